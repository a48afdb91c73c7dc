/** Command-line clients: where they are, or why not, and how to run them so that nothing of the machine's leaks in. */
import { spawn, spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { testCredentials } from './signed.ts'

export type ToolName = 'aws' | 'boto3' | 'requests' | 'python3' | 'rclone' | 's3cmd' | 'curl' | 'terraform' | 'nginx'

export interface Tool {
  /** The program to run; for boto3 and requests the Python that can import it. */
  readonly path: string
  /** false, or the reason why tests of this tool cannot run: goes straight into tap's `skip`. */
  readonly skip: string | false
}

export function tool(name: ToolName): Tool {
  const module = name === 'boto3' || name === 'requests'
  const program = module ? 'python3' : name
  const path = find(program)
  if (path === undefined) return { path: program, skip: `${program} is not installed` }
  if (module && spawnSync(path, ['-c', `import ${name}`]).status !== 0)
    return { path, skip: `python3 cannot import ${name}` }
  return { path, skip: false }
}

function find(program: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    if (folder === '') continue
    const path = join(folder, program)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {}
  }
  return undefined
}

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** Both, for messages of failed assertions. */
  readonly output: string
}

/**
 * Runs a program to its end. Its environment is ours without what configures cloud clients, proxies or Python
 * (AWS_CA_BUNDLE alone makes rclone refuse S3), with the test credentials.
 */
export function execute(
  path: string,
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string; readonly input?: string } = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, {
      env: { ...toolEnvironment(), ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.once('error', reject)
    child.once('close', code => resolve({ code, stdout, stderr, output: `${stdout}${stderr}`.slice(-4_000) }))
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
  })
}

/** As `execute`, but anything except success is an error that carries the output. */
export async function succeed(...args: Parameters<typeof execute>): Promise<Outcome> {
  const outcome = await execute(...args)
  if (outcome.code !== 0)
    throw new Error(`${args[0]} ${args[1].join(' ')} ended with ${outcome.code}:\n${outcome.output}`)
  return outcome
}

export function toolEnvironment(): Record<string, string> {
  const clean: Record<string, string> = {}
  for (const [name, value] of Object.entries(process.env))
    if (value !== undefined && !/^(AWS_.*|RCLONE_.*|TF_.*|BOTO_.*|.*_proxy|NODE_OPTIONS|PYTHONWARNINGS)$/i.test(name))
      clean[name] = value
  return {
    ...clean,
    AWS_ACCESS_KEY_ID: testCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: testCredentials.secretAccessKey,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_PAGER: '',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    NO_PROXY: '*',
  }
}
