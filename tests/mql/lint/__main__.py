"""`python -m tests.mql.lint [FOLDER]`: findings in `mql/`; ends with 1 if there are any"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.mql.lint.program import lint


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[3] / "mql"
    findings = lint(root)
    for finding in findings:
        print(finding)
    print(f"lint: {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
