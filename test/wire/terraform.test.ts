import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { startServer, temporaryFolder } from '../support/server.ts'
import { signedFetch } from '../support/signed.ts'
import { succeed, tool } from '../support/tools.ts'

const { path: program, skip } = tool('terraform')
const provider = join('registry.terraform.io', 'hashicorp', 'aws')

/** A folder that holds the AWS provider: Terraform's documented places for local copies, and what is under /opt. */
function mirror(): string | undefined {
  const places = [
    process.env['TF_PLUGIN_MIRROR'],
    process.env['TF_PLUGIN_CACHE_DIR'],
    join(homedir(), '.terraform.d', 'plugins'),
    join(homedir(), '.local', 'share', 'terraform', 'plugins'),
    '/usr/local/share/terraform/plugins',
    '/usr/share/terraform/plugins',
    ...(existsSync('/opt') ? readdirSync('/opt').map(name => join('/opt', name)) : []),
  ]
  return places.find(place => place !== undefined && existsSync(join(place, provider)))
}

const found = mirror()
const reason = skip || (found === undefined ? 'no local copy of the AWS provider' : false)

t.test('terraform', { skip: reason }, async t => {
  const server = await startServer(t)
  const folder = temporaryFolder(t)
  const configuration = join(folder, 'terraform.rc')
  writeFileSync(
    configuration,
    `provider_installation {\n  filesystem_mirror {\n    path = ${JSON.stringify(found)}\n  }\n}\n`,
  )
  const resources = (content: string) => `
    terraform {
      required_providers {
        aws = { source = "hashicorp/aws" }
      }
    }
    provider "aws" {
      region                      = "us-east-1"
      access_key                  = "test"
      secret_key                  = "test"
      s3_use_path_style           = true
      skip_metadata_api_check     = true
      endpoints {
        s3  = "${server.origin}"
        sts = "${server.origin}"
      }
    }
    resource "aws_s3_bucket" "one" {
      bucket = "terraform-bucket"
    }
    resource "aws_s3_object" "one" {
      bucket  = aws_s3_bucket.one.id
      key     = "config/a b.json"
      content = ${JSON.stringify(content)}
    }
  `
  const terraform = (...args: string[]) =>
    succeed(program, args, {
      cwd: folder,
      env: { TF_CLI_CONFIG_FILE: configuration, TF_IN_AUTOMATION: '1', CHECKPOINT_DISABLE: '1' },
    })
  const content = async () =>
    (await signedFetch(server, { method: 'GET', path: '/terraform-bucket/config/a%20b.json' })).text

  t.test('apply → bucket and object are there; a second plan changes nothing', async t => {
    writeFileSync(join(folder, 'main.tf'), resources('first'))
    await terraform('init', '-no-color', '-input=false')
    await terraform('apply', '-no-color', '-input=false', '-auto-approve')
    t.equal(await content(), 'first')
    // Exit code 2 would mean that something differs.
    await terraform('plan', '-no-color', '-input=false', '-detailed-exitcode')
  })

  t.test('apply of a change, destroy → followed, then gone', async t => {
    writeFileSync(join(folder, 'main.tf'), resources('second'))
    await terraform('apply', '-no-color', '-input=false', '-auto-approve')
    t.equal(await content(), 'second')
    await terraform('destroy', '-no-color', '-input=false', '-auto-approve')
    t.equal((await signedFetch(server, { method: 'HEAD', path: '/terraform-bucket' })).status, 404)
  })
})
