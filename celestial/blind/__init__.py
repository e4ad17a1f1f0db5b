"""Has the model learned the content, or the file names?

in: a checkpoint and test; out: a verdict and the evidence for it.

blind_report: The blind test's report: as JSON for programs, as Markdown and one drawn page for
    people.
evidence: What the blind test's verdicts are made from: the model's answers to changed pictures.
harmless_changes: Changes of a picture that leave its content as it is: name -> function of
    (picture, random).
hidden_names: Pictures under names that tell nothing: made, listed, and matched with the truth
    again.
isolated_run: Predictions in a process of their own, which can see the blind folders and the
    checkpoint only.
masks: Where the object is, and the picture without its object, its surroundings or its border.
shortcut_rules: Does the model live on what is beside the content? The blind test's verdict (c), as
    a table.
shortcuts: Cues beside the content, like file size and border colour, and how right they alone are.
verdict: Has the model learned the content? The single tests of the blind test, and the decision.
"""
