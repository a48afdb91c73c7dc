"""Compares pytest's results with the failures that are expected. Nothing but Python itself is needed.

    compare.py RESULTS.xml EXPECTED.txt all|some NAME

EXPECTED holds a test a line, `file.py::test  # reason`; empty lines and lines of comment are free. `all`: every listed
test must have been run. Ends with 1 when anything is not as listed.
"""

import sys
import xml.etree.ElementTree as ElementTree


def read_expected(path):
    """The listed tests with their reasons, and what is wrong with the list."""
    expected, problems = {}, []
    with open(path, encoding='utf-8') as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith('#'):
                continue
            test, _, reason = (part.strip() for part in line.partition(' #'))
            if not reason:
                problems.append(f'{path}:{number}: {test} has no reason')
            if test in expected:
                problems.append(f'{path}:{number}: {test} is listed twice')
            expected[test] = reason
    return expected, problems


def read_results(path):
    """Every test with 'passed', 'failed' or 'skipped'. One that fails to set up or tear down has failed."""
    results = {}
    for case in ElementTree.parse(path).iter('testcase'):
        name = f"{case.get('classname', '').rsplit('.', 1)[-1]}.py::{case.get('name')}"
        if case.find('failure') is not None or case.find('error') is not None:
            results[name] = 'failed'
        elif results.get(name) != 'failed':
            results[name] = 'skipped' if case.find('skipped') is not None else 'passed'
    return results


def main(results_path, expected_path, extent, title):
    expected, problems = read_expected(expected_path)
    results = read_results(results_path)
    of = {state: sorted(name for name, now in results.items() if now == state) for state in ('passed', 'failed', 'skipped')}
    unexpected = [name for name in of['failed'] if name not in expected]
    fixed = [name for name in of['passed'] if name in expected]
    absent = [name for name in expected if results.get(name, 'skipped') == 'skipped'] if extent == 'all' else []
    for heading, names in (
        ('failed, and is not expected to', unexpected),
        ('passed, and must be taken off the list', fixed),
        ('is listed, and was not run', absent),
    ):
        for name in names:
            print(f'{name}: {heading}')
    for problem in problems:
        print(problem)
    run = len(of['passed']) + len(of['failed'])
    known = len(of['failed']) - len(unexpected)
    print(
        f"{title}: {run} run, {len(of['passed'])} passed, {known} failed as expected, {len(unexpected)} failed otherwise, "
        f"{len(fixed)} passed that are expected to fail, {len(of['skipped'])} skipped"
    )
    return 1 if unexpected or fixed or absent or problems or run == 0 else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
