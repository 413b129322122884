"""``python -m nbutils doctor``: what this machine has and lacks for the course."""

from nbutils import shadowing
from nbutils.words import sentence


def main(arguments: list) -> int:
    """The exit status is 1 if something is to mend."""
    if arguments:
        print(
            sentence("usage: python -m nbutils doctor\n\nIt has no options, and installs nothing.")
        )
        return 0 if arguments[0] in ("-h", "--help") else 2
    shadows = shadowing.set_aside()  # or the doctor itself would import them

    from nbutils import doctor

    findings = doctor.examine(shadows)
    print(doctor.report(findings))
    return int(any(one.sign == doctor.BAD for one in findings))
