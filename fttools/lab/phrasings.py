# ruff: noqa: E501 (word lists and sentence frames read best one to a line)
"""How each task is asked for. The first list of a family is trained on, the second is held out.

`{...}` are filled by the task. Held-out wordings are new sentences about the same thing, so that
following them needs what the words mean.
"""

from __future__ import annotations

PHRASINGS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "who_has": (
        (
            "Who has the {thing} now?", "Tell me who has the {thing}.", "Who has the {thing}?",
            "Name the person who has the {thing}.", "In the end, who has the {thing}?",
            "Write the name of the person with the {thing}.", "The {thing} is with which person?",
        ),
        ("Who is the one with the {thing}?", "Find the person who has the {thing} now.",
         "To which person does the {thing} belong?"),
    ),
    "where_is": (
        (
            "Where is {who}?", "Tell me where {who} is.", "Where is {who} now?",
            "Write the place where {who} is.", "Find out where {who} is.",
            "In which place is {who}?", "Say where {who} is in the end.",
        ),
        ("Name the place where {who} is now.", "{who} is in which place?",
         "Read the story and say where {who} is."),
    ),
    "colour": (
        (
            "What colour is the {thing}?", "Tell me the colour of the {thing}.",
            "Write the colour of the {thing}.", "Which colour is the {thing}?",
            "Find the colour of the {thing}.", "What is the colour of the {thing}?",
            "Say what colour the {thing} is.",
        ),
        ("Name the colour of the {thing}.", "The {thing} is of which colour?",
         "Read the story and write the colour of the {thing}."),
    ),
    "count_kind": (
        (
            "How many {kinds} are in the list?", "Count the {kinds} in the list.",
            "How many of the words are {kinds}?", "Write how many {kinds} there are.",
            "Tell me how many {kinds} are in the list.", "Find out how many {kinds} there are.",
            "Say how many of these words are {kinds}.",
        ),
        ("Count how many {kinds} there are.", "What is the number of {kinds} in the list?",
         "How many {kinds} can you find?"),
    ),
    "pick_kind": (
        (
            "Find the {kinds} in the list.", "Write only the {kinds} from the list.",
            "Which of the words are {kinds}?", "Take the {kinds} from the list.",
            "Copy only the {kinds}.", "Name the {kinds} in the list.",
            "Which words in the list are {kinds}?",
        ),
        ("Find all the {kinds} and write only them.", "Pick the {kinds} from these words.",
         "Read the list and name the {kinds}."),
    ),
    "odd_one": (
        (
            "Which word is the odd one?", "Find the odd word in the list.",
            "Name the odd word.", "Which is the odd word in the list?", "Write the odd word.",
            "Find the word that is different from the others.", "Tell me the odd word.",
        ),
        ("Which of the words is the odd one?", "Say which word is odd.",
         "Pick the odd word from the list."),
    ),
    "sort_words": (
        (
            "Sort the words by the alphabet.", "Put the words in alphabetical order.",
            "Write the words in the order of the alphabet.", "Sort these words alphabetically.",
            "Put these words in the order of the alphabet.", "Write the words in alphabetical order.",
            "Sort the list by the alphabet.",
        ),
        ("Put the list in alphabetical order.", "Write these words sorted by the alphabet.",
         "Sort all the words in the order of the alphabet."),
    ),
    "sort_numbers": (
        (
            "Sort the numbers from the smallest to the largest.",
            "Put the numbers in order from small to large.",
            "Write the numbers in order from small to large.", "Sort these numbers from small to large.",
            "Put these numbers in order, the smallest first.", "Sort the numbers, the smallest first.",
            "Write the numbers from the smallest to the largest.",
        ),
        ("Put the numbers in order from the smallest to the largest.",
         "Write these numbers sorted from small to large.", "Sort all the numbers from small to large."),
    ),
    "largest": (
        (
            "Which number is the {end}?", "Find the {end} number.", "Write the {end} number.",
            "What is the {end} of the numbers?", "Tell me the {end} number.",
            "Name the {end} of these numbers.", "Which of the numbers is the {end}?",
        ),
        ("Say which number is the {end}.", "Find the {end} of the numbers.",
         "Read the numbers and write the {end}."),
    ),
    "compare": (
        (
            "Who is the {most}?", "Tell me who is the {most}.", "Name the {most} person.",
            "Which person is the {most}?", "Write the name of the {most} person.",
            "Who of them is the {most}?", "Say who is the {most} of all.",
        ),
        ("Find the person who is the {most}.", "Which one of them is the {most}?",
         "Read the story and name the {most} person."),
    ),
    "past": (
        (
            "Write the sentence in the past.", "Change the sentence to the past.",
            "Put the sentence into the past.", "Write it in the past.", "Change it to the past.",
            "Say the same in the past.", "Write what happened in the past.",
        ),
        ("Put this in the past.", "Say the sentence in the past.",
         "Copy the sentence, but in the past."),
    ),
    "future": (
        (
            "Write the sentence in the future.", "Change the sentence to the future.",
            "Put the sentence into the future.", "Write it in the future.", "Change it to the future.",
            "Say the same in the future.", "Write what will happen in the future.",
        ),
        ("Put this in the future.", "Say the sentence in the future.",
         "Copy the sentence, but in the future."),
    ),
    "negation": (
        (
            "Make the sentence negative.", "Write the sentence with not.",
            "Say that it is not so.", "Write it with not.", "Make it negative.",
            "Change the sentence to a negative one.", "Put not into the sentence.",
        ),
        ("Write the negative sentence.", "Change it so that it is negative.",
         "Say the sentence with not."),
    ),
    "sentiment": (
        (
            "Is the sentence positive or negative?", "Say if this is positive or negative.",
            "Call the sentence positive or negative.", "Positive or negative?",
            "Tell me if the sentence is positive or negative.", "Which is it, positive or negative?",
            "Write positive or negative for this sentence.",
        ),
        ("Decide if this is positive or negative.", "Is this negative or positive?",
         "Read the sentence and call it positive or negative."),
    ),
    "category": (
        (
            "What kind of thing is this?", "Name the kind of thing.", "Which kind of thing is it?",
            "Say what kind of thing this is.", "Write the kind of this thing.",
            "Tell me what kind of thing it is.", "To which kind does this belong?",
        ),
        ("What kind of thing is it?", "Decide which kind of thing this is.",
         "Find the kind of this thing."),
    ),
    "opposite": (
        (
            "What is the opposite?", "Write the opposite of the word.", "Give the opposite.",
            "Name the opposite of this word.", "Tell me the opposite.", "Write the opposite.",
            "What is the opposite of this word?",
        ),
        ("Find the opposite of the word.", "Say the opposite of this word.",
         "Which word is the opposite?"),
    ),
    "plural": (
        (
            "Write the plural.", "What is the plural of the word?", "Give the plural of this word.",
            "Tell me the plural.", "Write the plural of the word.", "Change the word to the plural.",
            "Name the plural of this word.",
        ),
        ("Put the word into the plural.", "Find the plural of this word.", "What is the plural?"),
    ),
    "sum": (
        (
            "Add the two numbers.", "What do the numbers make?", "How much is it?",
            "Write the answer.", "Work out the answer.", "Give the answer as a number.",
            "What is the answer?",
        ),
        ("Tell me the answer.", "How much do they make?", "Find the answer."),
    ),
    "list_and": (
        (
            "Write the words as one line with and.", "Put an and before the last word.",
            "Write the list with and before the last word.", "Make one line of the words, with and.",
            "Join the words with and.", "Write it as one line with and.",
            "Put and into the list before the last word.",
        ),
        ("Make it one line, with and before the last word.", "Write the words with an and.",
         "Join the list with and before the last word."),
    ),
    "complete": (
        (
            "Complete the sentence.", "Finish the sentence.", "Write the end of the sentence.",
            "Write the word that comes next.", "Finish it with what is true.",
            "Add the missing word at the end.", "How does the sentence end?",
        ),
        ("Give the end of the sentence.", "Finish this sentence with the right word.",
         "What comes next in the sentence?"),
    ),
    "position": (
        (
            "What is the {nth} word in the list?", "Write the {nth} word.", "Name the {nth} word.",
            "Which word is {nth} in the list?", "Find the {nth} word in the list.",
            "Tell me the {nth} word.", "Copy only the {nth} word.",
        ),
        ("Which word comes {nth}?", "Say the {nth} word of the list.", "Read the list and write the {nth} word."),
    ),
    "backwards": (
        (
            "Write the words backwards.", "Write the list in reverse order.",
            "Put the words in reverse order.", "Read the words backwards.",
            "Write the words from the last to the first.", "Say the words in reverse order.",
            "Copy the list backwards.",
        ),
        ("Put the list backwards.", "Write the words in reverse.",
         "Write the list from the last word to the first."),
    ),
}  # fmt: skip
