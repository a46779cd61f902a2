"""What a lesson's cell calls for in one line: its runs, questions, exercises, quoted source and lists.

The facts of a lesson stand in one module for each of its parts (`linux_o1` answers to "o1"), as plain data; see
`catalogue`. Nothing here is imported by a simulation.
"""
