"""What usefulness is worked out from: columns of numbers, one for each item.

Each file has the features of one kind; `match_features` names their type.
"""
