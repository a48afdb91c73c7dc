"""Forms that boto3 signs and requests posts. Prints one JSON line per check: {"name": ..., "error": null or text}."""
import hashlib
import json
import sys
import traceback

import boto3
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint = sys.argv[1]
BUCKET = 'form-bucket'
checks = []


def client(version, **more):
    config = Config(signature_version=version, s3={'addressing_style': 'path'}, retries={'max_attempts': 1})
    return boto3.client('s3', endpoint_url=endpoint, region_name='us-east-1', config=config, **more)


s3 = client('s3v4')


def check(name):
    def register(function):
        checks.append((name, function))
        return function
    return register


def same(found, expected):
    assert found == expected, f'{found!r} instead of {expected!r}'


def post(form, data='file content', **more):
    return requests.post(form['url'], data=form['fields'], files={'file': data}, allow_redirects=False, **more)


def stored(key):
    return s3.get_object(Bucket=BUCKET, Key=key)


@check('generate_presigned_post, either version -> stored')
def either():
    for version in ('s3v4', 's3'):
        data = version.encode() * 50_000
        same(post(client(version).generate_presigned_post(BUCKET, f'by-{version}'), data).status_code, 204)
        same(stored(f'by-{version}')['Body'].read(), data)


@check('generate_presigned_post, either version: policy changed -> SignatureDoesNotMatch')
def changed():
    for version in ('s3v4', 's3'):
        form = client(version).generate_presigned_post(BUCKET, 'changed')
        form['fields']['policy'] = form['fields']['policy'][:-2]
        answer = post(form)
        same(answer.status_code, 403)
        assert '<Code>SignatureDoesNotMatch</Code>' in answer.text, answer.text


@check('key with ${filename} -> the name of the file')
def filename():
    form = s3.generate_presigned_post(BUCKET, 'user/${filename}')
    same(post(form, ('résumé.pdf', b'pdf')).status_code, 204)
    same(stored('user/résumé.pdf')['Body'].read(), b'pdf')


@check('every field as a part with a file name -> fields all the same')
def files():
    form = s3.generate_presigned_post(BUCKET, 'parts')
    parts = [*form['fields'].items(), ('file', 'bar')]
    same(requests.post(form['url'], files=parts).status_code, 204)
    same(stored('parts')['Body'].read(), b'bar')


@check('fields and conditions -> metadata, headers, 201 with a document')
def fields():
    values = {'acl': 'bucket-owner-full-control', 'Content-Type': 'text/plain', 'x-amz-meta-TEST': 'ä', 'success_action_status': '201'}
    form = s3.generate_presigned_post(BUCKET, 'fields', values, [{name: value} for name, value in values.items()])
    answer = post(form)
    same(answer.status_code, 201)
    md5 = hashlib.md5(b'file content').hexdigest()
    assert f'<ETag>"{md5}"</ETag>' in answer.text, answer.text
    head = s3.head_object(Bucket=BUCKET, Key='fields', ChecksumMode='ENABLED')
    same((head['ContentType'], head['Metadata']), ('text/plain', {'test': '=?UTF-8?B?w6Q=?='}))
    same(answer.headers['x-amz-checksum-crc64nvme'], head['ChecksumCRC64NVME'])


@check('field without a condition -> extra input')
def extra():
    form = s3.generate_presigned_post(BUCKET, 'extra', {'acl': 'bucket-owner-full-control'})
    answer = post(form)
    same(answer.status_code, 403)
    assert 'Invalid according to Policy: Extra input fields: acl' in answer.text, answer.text


@check('content-length-range -> kept; expired -> refused')
def limits():
    form = s3.generate_presigned_post(BUCKET, 'limits', Conditions=[['content-length-range', 5, 10]])
    same([post(form, b'a' * size).status_code for size in (4, 5, 10, 11)], [400, 204, 204, 400])
    assert 'Policy expired.' in post(s3.generate_presigned_post(BUCKET, 'limits', ExpiresIn=-1)).text


@check('redirect -> 303 to it')
def redirect():
    url = 'http://localhost.test/done'
    form = s3.generate_presigned_post(BUCKET, 'a b/c', {'redirect': url}, [['starts-with', '$redirect', 'http://']])
    answer = post(form)
    etag = stored('a b/c')['ETag'].replace('"', '%22')
    same((answer.status_code, answer.headers['Location']), (303, f'{url}?bucket={BUCKET}&key=a+b%2Fc&etag={etag}'))


@check('unsigned -> AccessDenied')
def unsigned():
    from botocore import UNSIGNED
    answer = post(client(UNSIGNED).generate_presigned_post(BUCKET, 'unsigned'))
    same(answer.status_code, 403)
    assert '<Code>AccessDenied</Code>' in answer.text, answer.text


@check('generator as a body -> length missing or chunked: refused, connection stays usable')
def chunked():
    session = requests.Session()
    form = s3.generate_presigned_post(BUCKET, 'chunked')
    ready = requests.Request('POST', form['url'], data=form['fields'], files={'file': b'x' * 100_000}).prepare()
    content = ready.body
    ready.body = (content[at:at + 1000] for at in range(0, len(content), 1000))
    del ready.headers['Content-Length']
    ready.headers['Transfer-Encoding'] = 'chunked'
    same(session.send(ready).status_code, 501)
    same(session.post(form['url'], data=form['fields'], files={'file': b'x'}).status_code, 204)


s3.create_bucket(Bucket=BUCKET)
for name, function in checks:
    error = None
    try:
        function()
    except (Exception, ClientError):
        error = traceback.format_exc()
    print(json.dumps({'name': name, 'error': error}), flush=True)
