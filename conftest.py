"""For the notebooks' tests: nbval runs cells as Jupyter does, with history.

Without history IPython cannot see the semicolon that ends a cell, and shows a figure twice.
"""

from nbval.kernel import RunningKernel


def _execute_with_history(self, cell_input, allow_stdin=None):
    return self.kc.execute(
        cell_input, store_history=True, allow_stdin=bool(allow_stdin), stop_on_error=False
    )


RunningKernel.execute_cell_input = _execute_with_history
