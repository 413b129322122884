"""How nbval runs these notebooks: `pytest --nbval --nbval-current-env notebooks/01_tokens.ipynb`.

Each runs alone in an empty folder, as on a new machine. What comes out is compared with what is
stored as `authoring/outputs.py` says: words strictly, numbers up to rounding, pictures by what is seen.
With ``--nbval-lax`` the cells only have to run, which is what a teacher asks who changed a text.
After a cell tagged `fact`, what it asserts must fail with another value: `authoring/facts.py`.
"""

import tempfile

from nbval import plugin
from nbval.kernel import RunningKernel

from authoring import facts, outputs


class Kernel(RunningKernel):
    """nbval's, in an empty folder of its own."""

    def __init__(self, kernel_name: str, cwd: str | None = None, startup_timeout: float = 60):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        super().__init__(kernel_name, cwd=self.folder.name, startup_timeout=startup_timeout)

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> str:
        """With a history, as in Jupyter: without one a closing semicolon hides no result."""
        return self.kc.execute(cell_input, allow_stdin=allow_stdin, stop_on_error=False)

    def stop(self) -> None:
        super().stop()
        self.folder.cleanup()


def compare_outputs(cell: plugin.IPyNbCell, fresh: list, stored: list, skip_compare=None) -> bool:
    """Whether a cell gives what is stored. nbval shows what `comparison_traceback` says."""
    told = outputs.difference(stored, fresh)
    cell.comparison_traceback = [told]
    return not told


run_cell = plugin.IPyNbCell.runtest


def runtest(cell: plugin.IPyNbCell) -> None:
    """nbval's, and of a fact's cell also that it asserts enough."""
    run_cell(cell)
    if facts.TAG in cell.cell.metadata.get("tags", []):
        reply = cell.parent.kernel.kc.execute_interactive(
            facts.mutation_test(cell.cell.source),
            store_history=False,
            output_hook=lambda message: None,
        )["content"]
        if reply["status"] != "ok":
            told = f"{reply['ename']}: {reply['evalue']}"
            raise plugin.NbCellError(cell.cell_num, told, cell.cell.source)


plugin.RunningKernel = Kernel
plugin.IPyNbCell.compare_outputs = compare_outputs
plugin.IPyNbCell.runtest = runtest
