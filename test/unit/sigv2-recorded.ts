/** Requests signed with Signature Version 2 by others, with the key pair of AWS's own examples. */
import type { HeaderList } from './sigv4-request.ts'

/** Of the S3 documentation, in the editions whose signatures its own strings to sign have. */
export const published: readonly (readonly [title: string, hostBucket: string, string, string, HeaderList, string])[] =
  [
    [
      'Object GET',
      'awsexamplebucket1',
      'GET',
      '/photos/puppy.jpg',
      [['Date', 'Tue, 27 Mar 2007 19:36:42 +0000']],
      'qgk2+6Sv9/oM7G3qLEjTH1a1l1g=',
    ],
    [
      'Object PUT',
      'awsexamplebucket1',
      'PUT',
      '/photos/puppy.jpg',
      [
        ['Content-Type', 'image/jpeg'],
        ['Content-Length', '94328'],
        ['Date', 'Tue, 27 Mar 2007 21:15:45 +0000'],
      ],
      'iqRzw+ileNPu1fhspnRs8nOjjIA=',
    ],
    [
      'List',
      'awsexamplebucket1',
      'GET',
      '/?prefix=photos&max-keys=50&marker=puppy',
      [['Date', 'Tue, 27 Mar 2007 19:42:41 +0000']],
      'm0WP8eCtspQl5Ahe6L1SozdX9YA=',
    ],
    [
      'Fetch',
      'awsexamplebucket1',
      'GET',
      '/?acl',
      [['Date', 'Tue, 27 Mar 2007 19:44:46 +0000']],
      '82ZHiFIjc+WbcwFKGUVEQspPn+0=',
    ],
    [
      'Delete',
      '',
      'DELETE',
      '/awsexamplebucket1/photos/puppy.jpg',
      [['Date', 'Tue, 27 Mar 2007 21:20:26 +0000']],
      'XbyTlbQdu9Xw5o8P4iMwPktxQd8=',
    ],
    [
      'Upload',
      'static.johnsmith.net',
      'PUT',
      '/db-backup.dat.gz',
      [
        ['Date', 'Tue, 27 Mar 2007 21:06:08 +0000'],
        ['x-amz-acl', 'public-read'],
        ['content-type', 'application/x-download'],
        ['Content-MD5', '4gJE4saaMU4BqNR0kLY+lw=='],
        ['X-Amz-Meta-ReviewedBy', 'joe@johnsmith.net'],
        ['X-Amz-Meta-ReviewedBy', 'jane@johnsmith.net'],
        ['X-Amz-Meta-FileChecksum', '0x02661779'],
        ['X-Amz-Meta-ChecksumAlgorithm', 'crc32'],
        ['Content-Disposition', 'attachment; filename=database.dat'],
        ['Content-Encoding', 'gzip'],
        ['Content-Length', '5913339'],
      ],
      'ilyl83RwaSoYIEdixDQcA4OnAnc=',
    ],
    [
      'List all my buckets',
      '',
      'GET',
      '/',
      [['Date', 'Wed, 28 Mar 2007 01:29:59 +0000']],
      'qGdzdERIC03wnaRNKh6OqZehG9s=',
    ],
    [
      'Unicode keys',
      '',
      'GET',
      '/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re',
      [['Date', 'Wed, 28 Mar 2007 01:49:49 +0000']],
      'DNEZGsoieTZ92F3bUfSPQcbGmlM=',
    ],
  ]

/** The clock of botocore 1.43.11, which made what follows. */
export const recordedMs = Date.UTC(2026, 4, 28, 12)
/** Valid for 900 s; path, query and signature. */
export const links: readonly (readonly [method: string, hostBucket: string, target: string, signature: string])[] = [
  ['GET', '', '/bucket-1/a%20b/%C3%BC%2B%26%3D%3F%25.txt', 'D2KKro8kxxcMfIYRrwke0kDH%2B%2Fw%3D'],
  [
    'GET',
    '',
    '/bucket-1/key?versionId=v.1_-&response-content-type=text%2Fplain%3B%20charset%3D%22utf%208%22&response-content-disposition=attachment%3B%20filename%3D%22a%2Bb%26c%3Dd.txt%22&partNumber=2',
    '%2F%2FmY25mQPsViVkWeKlIBZCSfUo0%3D',
  ],
  ['HEAD', '', '/bucket-1/key', '1%2F46LNXGHfKiTXb0bEMXePv0YU0%3D'],
  ['DELETE', '', '/bucket-1/key', 'jRQDOthrO%2BYvZTANsO%2FjX6QOABs%3D'],
  [
    'PUT',
    '',
    '/bucket-1/key?content-type=text%2Fplain&content-md5=4gJE4saaMU4BqNR0kLY%2Blw%3D%3D&x-amz-meta-zeta=%20two%20%20blanks%20&x-amz-meta-alpha=a%2Cb&x-amz-acl=private',
    'ek03nFZ6b35txrWJxsxwqlfRI2o%3D',
  ],
  ['GET', '', '/bucket-1/key?x-amz-security-token=AQoDYXdz%2B%2F%3Dtoken', 'mRw2yffBu%2F4zXKQA5ewVbqwn%2F2k%3D'],
  ['PUT', '', '/bucket-1/key?partNumber=7&uploadId=up%2Bload%2Fid%3D', 'CuFb136FoEeaP6fr3BcX7vIKhhU%3D'],
  ['GET', '', '/', 'qXA9ECv9IlRk5dGCh%2Fb9xb3Wt%2F8%3D'],
  ['GET', '', '/bucket-1?list-type=2&prefix=x&encoding-type=url', 'Tu71J1uPhxlhcbL%2FoXkn1cmIUvQ%3D'],
  ['POST', '', '/bucket-1/key?uploads', 'qvHnNoM%2BfWTdVRXDK9VphsPDPgo%3D'],
  ['GET', '', '/bucket-1?location', 'FId6M4ZbOVX5RI4Yl5BoOnqccfg%3D'],
  ['GET', 'bucket-1', '/a%20b/%C3%BC%2B%26%3D%3F%25.txt', 'D2KKro8kxxcMfIYRrwke0kDH%2B%2Fw%3D'],
  ['GET', 'bucket-1', '/?list-type=2&encoding-type=url', 'Tu71J1uPhxlhcbL%2FoXkn1cmIUvQ%3D'],
  ['GET', 'bucket-1', '/?acl', 'Mggbkbjw16PlpU2uzyYTvageiIk%3D'],
]

const crc32: HeaderList = [['x-amz-sdk-checksum-algorithm', 'CRC32']]
export const calls: readonly (readonly [string, string, string, HeaderList, string])[] = [
  [
    'GET',
    '',
    '/bucket-1/a%20b/%C3%BC%2B%26%3D%3F%25.txt',
    [
      ['Range', 'bytes=0-1'],
      ['x-amz-checksum-mode', 'ENABLED'],
    ],
    'WQxJbUHtU+S5Y1WBwjvpg1j2W3Y=',
  ],
  [
    'PUT',
    '',
    '/bucket-1/key',
    [
      ['Content-Type', 'text/plain'],
      ['x-amz-meta-b', '2'],
      ['x-amz-meta-a', '1'],
      ['x-amz-checksum-crc32', '26gLsg=='],
      ...crc32,
    ],
    'dzLXVBJdlaj81smfpGt7J3LJxqI=',
  ],
  [
    'PUT',
    '',
    '/bucket-1/key',
    [['x-amz-checksum-crc32', '26gLsg=='], ...crc32, ['x-amz-security-token', 'AQoDYXdz+/=token']],
    '0JKIHt4hkGTxieZ6zW80CAZ91oQ=',
  ],
  ['POST', '', '/bucket-1?delete', [['x-amz-checksum-crc32', '2dGkzA=='], ...crc32], 'beZWq3D65/ZmFKFlH4PaiIv8BmA='],
  ['GET', '', '/bucket-1?list-type=2&prefix=x&encoding-type=url', [], 'zppbPyAC9QH0ztsk/KN2IKD0A/g='],
  ['GET', 'bucket-1', '/?uploads', [], 'vcsVo3b8vf4uUY8jIVA8gxfuhUc='],
  ['GET', '', '/bucket-1/key?attributes', [['x-amz-object-attributes', 'ETag']], 'SSdIW8GBoaYtPjNtM1he8JvNMZg='],
  ['PUT', 'bucket-1', '/key', [['x-amz-copy-source', 'b/%C3%BC']], 'gE9YDg9eajYw2uGqYK4Y5n5DSYs='],
  [
    'PUT',
    '',
    '/bucket-1/key?partNumber=1&uploadId=u',
    [['x-amz-checksum-crc32', 'jNwWgw=='], ...crc32],
    '25uy802tviUCs9f+mgZVWZNYvhU=',
  ],
]
