"""What the Python programs here share. `run.py` starts them with this environment."""

import json
import os
import sys

ISSUER = os.environ.get("ISSUER", "")
USERNAME = os.environ.get("CLIENT_USERNAME", "")
PASSWORD = os.environ.get("CLIENT_PASSWORD", "")


def did(what: str) -> None:
    """Says what worked: the table in docs/clients.md is made of these lines."""
    print(what, flush=True)


def refused(call, *arguments) -> Exception:
    """The exception that the call must raise."""
    try:
        result = call(*arguments)
    except Exception as error:  # noqa: BLE001 - each library has its own
        return error
    sys.exit(f"not refused: {result}")


def prove(verifier) -> None:
    """Verifies tokens of each algorithm with `verifier(issuer, audience)`, which returns a function from a
    token to its claims. The tokens that it must refuse come beside one that differs in nothing else."""
    with open(os.environ["CASES"], encoding="utf-8") as file:
        cases = json.load(file)
    for case in cases:
        verify = verifier(case["issuer"], case["audience"])
        try:
            claims = verify(case["good"])
        except Exception as error:  # noqa: BLE001
            print(f"{case['algorithm']}: cannot: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        assert claims["sub"] == case["sub"], claims
        for name, token in case["refused"].items():
            try:
                claims = verify(token)
            except Exception:  # noqa: BLE001
                continue
            sys.exit(f"{case['algorithm']}: accepted {name}: {claims}")
        did(f"{case['algorithm']} {case['keys']}")
