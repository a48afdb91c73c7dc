"""What a Python program does with S3. Prints one JSON line per check: {"name": ..., "error": null or text}."""
import base64
import hashlib
import io
import json
import os
import sys
import threading
import traceback

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, folder = sys.argv[1:3]
options = dict(endpoint_url=endpoint, region_name='us-east-1')
s3 = boto3.client('s3', config=Config(s3={'addressing_style': 'path'}, retries={'max_attempts': 1}), **options)
resource = boto3.resource('s3', **options)
BUCKET = 'boto3-bucket'
MEBIBYTE = 1 << 20
checks = []


def check(name):
    def register(function):
        checks.append((name, function))
        return function
    return register


def refused(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response['Error']['Code'], error.response['ResponseMetadata']['HTTPStatusCode']
    raise AssertionError('was not refused')


def same(found, expected):
    assert found == expected, f'{found!r} instead of {expected!r}'


@check('create_bucket, head_bucket, get_bucket_location, waiter: new bucket -> there')
def buckets():
    s3.create_bucket(Bucket=BUCKET)
    s3.get_waiter('bucket_exists').wait(Bucket=BUCKET)
    same(s3.get_bucket_location(Bucket=BUCKET)['LocationConstraint'], None)
    same([bucket.name for bucket in resource.buckets.all()], [BUCKET])


@check('transfer manager: 64 MiB file up and down in parts -> the same bytes')
def transfer():
    path, back = os.path.join(folder, 'up'), os.path.join(folder, 'down')
    piece = os.urandom(MEBIBYTE)
    with open(path, 'wb') as file:
        for index in range(64):
            file.write(index.to_bytes(4, 'big') + piece[4:])
    seen = []
    lock = threading.Lock()

    def progress(count):
        with lock:
            seen.append(count)

    config = TransferConfig(multipart_threshold=8 * MEBIBYTE, multipart_chunksize=5 * MEBIBYTE, max_concurrency=8)
    extra = {'Metadata': {'from': 'boto3'}, 'ContentType': 'application/x-test'}
    s3.upload_file(path, BUCKET, 'transfer', ExtraArgs=extra, Config=config, Callback=progress)
    same(sum(seen), 64 * MEBIBYTE)
    head = s3.head_object(Bucket=BUCKET, Key='transfer')
    same((head['ContentLength'], head['Metadata'], head['ContentType']),
         (64 * MEBIBYTE, {'from': 'boto3'}, 'application/x-test'))
    assert head['ETag'].endswith('-13"'), head['ETag']
    s3.download_file(BUCKET, 'transfer', back, Config=config)
    same(digest(back), digest(path))


def digest(path):
    with open(path, 'rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


@check('transfer manager: copy of 64 MiB in parts -> the same bytes')
def copy():
    config = TransferConfig(multipart_threshold=8 * MEBIBYTE, multipart_chunksize=16 * MEBIBYTE)
    s3.copy({'Bucket': BUCKET, 'Key': 'transfer'}, BUCKET, 'copied', Config=config)
    found = hashlib.sha256()
    for chunk in s3.get_object(Bucket=BUCKET, Key='copied')['Body'].iter_chunks(MEBIBYTE):
        found.update(chunk)
    same(found.hexdigest(), digest(os.path.join(folder, 'up')))


@check('upload_fileobj, download_fileobj: streams -> the same bytes')
def streams():
    content = os.urandom(9 * MEBIBYTE)
    s3.upload_fileobj(io.BytesIO(content), BUCKET, 'stream')
    back = io.BytesIO()
    s3.download_fileobj(BUCKET, 'stream', back)
    same(back.getvalue() == content, True)


@check('put_object: every checksum algorithm -> stored, returned, verified on the way back')
def checksums():
    for algorithm in ('CRC32', 'SHA1', 'SHA256'):
        put = s3.put_object(Bucket=BUCKET, Key='sum', Body=b'hello', ChecksumAlgorithm=algorithm)
        got = s3.get_object(Bucket=BUCKET, Key='sum', ChecksumMode='ENABLED')
        same(got[f'Checksum{algorithm}'], put[f'Checksum{algorithm}'])
        same(got['Body'].read(), b'hello')
    wrong = refused(s3.put_object, Bucket=BUCKET, Key='wrong', Body=b'hello', ChecksumCRC32='AAAAAA==')
    same(wrong, ('BadDigest', 400))


@check('conditional requests -> PreconditionFailed, 304, 404')
def conditions():
    etag = s3.put_object(Bucket=BUCKET, Key='condition', Body=b'1')['ETag']
    arguments = dict(Bucket=BUCKET, Key='condition')
    same(refused(s3.put_object, **arguments, Body=b'2', IfNoneMatch='*'), ('PreconditionFailed', 412))
    same(refused(s3.put_object, **arguments, Body=b'2', IfMatch='"no"'), ('PreconditionFailed', 412))
    same(refused(s3.get_object, **arguments, IfMatch='"no"'), ('PreconditionFailed', 412))
    same(refused(s3.get_object, **arguments, IfNoneMatch=etag), ('304', 304))
    same(refused(s3.head_object, Bucket=BUCKET, Key='missing'), ('404', 404))
    same(refused(s3.get_object, Bucket=BUCKET, Key='missing'), ('NoSuchKey', 404))
    s3.put_object(**arguments, Body=b'3', IfMatch=etag)


@check('paginators: 250 keys in pages of 99 -> all, in order, and by prefix')
def paginators():
    keys = [f'page/{index:04} + %.txt' for index in range(250)]
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b'')
    for operation in ('list_objects', 'list_objects_v2'):
        pages = s3.get_paginator(operation).paginate(Bucket=BUCKET, Prefix='page/', PaginationConfig={'PageSize': 99})
        same([one['Key'] for page in pages for one in page.get('Contents', [])], keys)
    same([one.key for one in resource.Bucket(BUCKET).objects.filter(Prefix='page/000')], keys[:10])


@check('odd keys -> round trip')
def odd_keys():
    for key in ('a/../b', './a', '//a', 'a//b', 'a b', 'a+b', 'a%2Fb', 'é', '日本', '🙂', "q'\"<&>", 'x' * 1024, 'a\tb\nc'):
        s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
        same(s3.get_object(Bucket=BUCKET, Key=key)['Body'].read(), key.encode())
        listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=key, MaxKeys=1)['Contents'][0]['Key']
        same(listed, key)
        deleted = s3.delete_objects(Bucket=BUCKET, Delete={'Objects': [{'Key': key}]})
        same([one['Key'] for one in deleted['Deleted']], [key])
        same(refused(s3.head_object, Bucket=BUCKET, Key=key), ('404', 404))


@check('multipart by hand: list_parts, abort -> NoSuchUpload')
def multipart():
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key='manual')['UploadId']
    arguments = dict(Bucket=BUCKET, Key='manual', UploadId=upload)
    s3.upload_part(**arguments, PartNumber=7, Body=b'seven')
    same([part['PartNumber'] for part in s3.list_parts(**arguments)['Parts']], [7])
    s3.abort_multipart_upload(**arguments)
    same(refused(s3.list_parts, **arguments), ('NoSuchUpload', 404))


@check('generate_presigned_url: SigV4 links -> read and written')
def presigned():
    from urllib.request import Request, urlopen
    signer = boto3.client('s3', config=Config(signature_version='s3v4', s3={'addressing_style': 'path'}), **options)
    put = signer.generate_presigned_url('put_object', Params={'Bucket': BUCKET, 'Key': 'by link'})
    with urlopen(Request(put, data=b'linked', method='PUT', headers={'content-type': ''})) as answer:
        same(answer.status, 200)
    get = signer.generate_presigned_url('get_object', Params={'Bucket': BUCKET, 'Key': 'by link'})
    with urlopen(get) as answer:
        same(answer.read(), b'linked')


@check('generate_presigned_url: its default, SigV2 -> every kind of link works, changed ones do not')
def presigned_by_default():
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    def link(operation, expires=60, **arguments):
        made = s3.generate_presigned_url(operation, Params={'Bucket': BUCKET, **arguments}, ExpiresIn=expires)
        assert 'AWSAccessKeyId=' in made, made
        return made

    def code(url, **arguments):
        try:
            urlopen(Request(url, **arguments))
        except HTTPError as error:
            return error.status
        raise AssertionError('was not refused')

    key = 'by link/ü + & %.txt'
    put = link('put_object', Key=key, ContentType='text/plain', Metadata={'Made': 'by link'})
    with urlopen(Request(put, data=b'linked', method='PUT', headers={'content-type': 'text/plain'})) as answer:
        same(answer.status, 200)
    head = s3.head_object(Bucket=BUCKET, Key=key)
    same((head['ContentType'], head['Metadata']), ('text/plain', {'made': 'by link'}))
    same(code(put, data=b'linked', method='PUT', headers={'content-type': 'text/html'}), 403)
    get = link('get_object', Key=key, ResponseContentType='a/b; c="d e+f"')
    with urlopen(get) as answer:
        same((answer.read(), answer.headers['content-type']), (b'linked', 'a/b; c="d e+f"'))
    same(code(get.replace('c%3D', 'x%3D')), 403)
    same(code(link('get_object', Key=key, expires=-1)), 403)
    with urlopen(link('list_objects_v2', Prefix='by link/')) as answer:
        assert b'<KeyCount>1</KeyCount>' in answer.read()
    with urlopen(Request(link('head_object', Key=key), method='HEAD')) as answer:
        same(answer.headers['content-length'], '6')
    with urlopen(Request(link('delete_object', Key=key), method='DELETE')) as answer:
        same(answer.status, 204)


@check("signature_version='s3', SigV2 in the header -> the client works")
def version2():
    config = Config(signature_version='s3', s3={'addressing_style': 'path'}, retries={'max_attempts': 1})
    client = boto3.client('s3', config=config, **options)
    client.upload_fileobj(io.BytesIO(b'x' * (17 * MEBIBYTE)), BUCKET, 'version 2/ü')
    same(client.get_object(Bucket=BUCKET, Key='version 2/ü', Range='bytes=0-2')['Body'].read(), b'xxx')
    copied = client.copy_object(Bucket=BUCKET, Key='copied', CopySource={'Bucket': BUCKET, 'Key': 'version 2/ü'})
    assert copied['CopyObjectResult']['ETag']
    keys = [one['Key'] for one in client.list_objects_v2(Bucket=BUCKET)['Contents']]
    assert {'copied', 'version 2/ü'} <= set(keys), keys
    client.create_bucket(Bucket='version-2-bucket')
    client.delete_bucket(Bucket='version-2-bucket')
    client.delete_objects(Bucket=BUCKET, Delete={'Objects': [{'Key': 'copied'}, {'Key': 'version 2/ü'}]})
    wrong = boto3.client('s3', config=config, aws_access_key_id='test', aws_secret_access_key='wrong', **options)
    same(refused(wrong.list_buckets), ('SignatureDoesNotMatch', 403))


@check('SSE-C: parts up and down, ranges, a copy under another key -> the same bytes, to the key alone')
def customer_key():
    def keyed(byte):
        return dict(SSECustomerAlgorithm='AES256', SSECustomerKey=bytes([byte]) * 32)

    data = os.urandom(18 * MEBIBYTE)
    config = TransferConfig(multipart_threshold=8 * MEBIBYTE, multipart_chunksize=8 * MEBIBYTE)
    s3.upload_fileobj(io.BytesIO(data), BUCKET, 'keyed', ExtraArgs=keyed(1), Config=config)
    back = io.BytesIO()
    s3.download_fileobj(BUCKET, 'keyed', back, ExtraArgs=keyed(1), Config=config)
    same(hashlib.sha256(back.getvalue()).hexdigest(), hashlib.sha256(data).hexdigest())
    for first, last in (0, 0), (8 * MEBIBYTE - 5, 8 * MEBIBYTE + 5), (17 * MEBIBYTE, 18 * MEBIBYTE - 1):
        part = s3.get_object(Bucket=BUCKET, Key='keyed', Range=f'bytes={first}-{last}', **keyed(1))
        assert part['Body'].read() == data[first:last + 1], (first, last)
    same(refused(s3.get_object, Bucket=BUCKET, Key='keyed'), ('InvalidRequest', 400))
    same(refused(s3.get_object, Bucket=BUCKET, Key='keyed', **keyed(2)), ('AccessDenied', 403))
    source = {f'CopySource{name}': value for name, value in keyed(1).items()}
    s3.copy({'Bucket': BUCKET, 'Key': 'keyed'}, BUCKET, 'copied', ExtraArgs={**source, **keyed(2)}, Config=config)
    assert s3.get_object(Bucket=BUCKET, Key='copied', **keyed(2))['Body'].read() == data
    # Only here botocore takes the headers as they are sent.
    key = keyed(2)['SSECustomerKey']
    sent = dict(SSECustomerAlgorithm='AES256', SSECustomerKey=base64.b64encode(key).decode(),
                SSECustomerKeyMD5=base64.b64encode(hashlib.md5(key).digest()).decode())
    attributes = s3.get_object_attributes(Bucket=BUCKET, Key='copied', ObjectAttributes=['ObjectSize', 'ETag'], **sent)
    same(attributes['ObjectSize'], len(data))


@check('sts get_caller_identity -> account')
def identity():
    same(boto3.client('sts', **options).get_caller_identity()['Account'], '000000000000')


@check('sts assume_role and get_session_token -> sessions that work, within their policy')
def sessions():
    sts = boto3.client('sts', **options)
    policy = {'Version': '2012-10-17', 'Statement': [{
        'Effect': 'Allow', 'Action': 's3:GetObject', 'Resource': f'arn:aws:s3:::{BUCKET}/session/*'}]}
    role = sts.assume_role(RoleArn='arn:aws:iam::000000000000:role/tester', RoleSessionName='boto3',
                           DurationSeconds=900, Policy=json.dumps(policy), Tags=[{'Key': 'a', 'Value': 'b'}])
    same(role['AssumedRoleUser']['Arn'], 'arn:aws:sts::000000000000:assumed-role/tester/boto3')

    def client(service, answer):
        given = answer['Credentials']
        return boto3.client(service, **{
            **options, 'aws_access_key_id': given['AccessKeyId'],
            'aws_secret_access_key': given['SecretAccessKey'], 'aws_session_token': given['SessionToken']})

    for key in ('session/a', 'elsewhere'):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b'x')
    limited = client('s3', role)
    same(limited.get_object(Bucket=BUCKET, Key='session/a')['Body'].read(), b'x')
    same(refused(limited.get_object, Bucket=BUCKET, Key='elsewhere'), ('AccessDenied', 403))
    token = sts.get_session_token(DurationSeconds=900)
    same(client('s3', token).get_object(Bucket=BUCKET, Key='elsewhere')['Body'].read(), b'x')
    same(client('sts', token).get_caller_identity()['Arn'], 'arn:aws:iam::000000000000:user/main')
    same(refused(client('sts', token).get_session_token), ('AccessDenied', 403))


@check('delete everything -> the bucket can go')
def clean():
    resource.Bucket(BUCKET).objects.all().delete()
    s3.delete_bucket(Bucket=BUCKET)
    same(refused(s3.delete_bucket, Bucket=BUCKET), ('NoSuchBucket', 404))


for name, function in checks:
    error = None
    try:
        function()
    except Exception:
        error = traceback.format_exc(limit=-3)
    print(json.dumps({'name': name, 'error': error}), flush=True)
