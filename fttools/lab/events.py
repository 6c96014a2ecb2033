# ruff: noqa: E501 (word lists and sentence frames read best one to a line)
"""What can happen in the world, each in several wordings (frames.py says how to read them).

Frames under one key take the same slots. `FRAMES[key]` holds them compiled.
"""

from __future__ import annotations

from fttools.lab.frames import load

_EVENTS = {
    # moving and being somewhere
    "go": "<A> [go|walk|run|hurry|travel|come] <p>",
    "be_at": "<A> [be|wait|sit|stand|rest] <p>\n<A> [stay] <p> for a while",
    "is_at": "<A> [be] <p>",
    "is_still": "<A> [be] still <p>",
    "leave": "<A> [leave] <o>\n<A> [go] away from <o>",
    "return": "<A> [come|go] back <p>\n<A> [return] <p>",
    "ride": "<A> [travel] <p> by <N>\n<A> [go] <p> by <N>\n<A> [take] the <N> <p>",
    "meet": "<A> [meet|see|greet|visit] <b>",
    "meet_at": "<A> [meet|see|greet] <b> <p>",
    "follow": "<A> [follow] <b> <p>\n<A> [run] after <b> <p>",
    # things changing hands
    "have": "<A> [have] <o>",
    "own": "<A> [have|own|keep] <o>",
    "find": "<A> [find|see|notice] <o> <p>",
    "take": "<A> [take|get|fetch] <o>\n<A> [pick] up <o>",
    "take_from": "<A> [take|get|fetch] <o> from <q>",
    "give": """<A> [give|hand|pass|bring|send] <o> to <b>
        <A> [give|hand|pass|bring|send] <b> <o>""",
    "lend": "<A> [lend] <o> to <b>\n<A> [lend] <b> <o>",
    "receive": "<A> [get] <o> from <b>\n<A> [be] given <o> by <b>",
    "put": "<A> [put|leave|hide|lay|keep] <o> <p>",
    "put_in": "<A> [put] <o> <p>\n<A> [add] <o>",
    "drop": "<A> [drop|lose|forget] <o> <p>",
    "lose": "<A> [lose] <o>",
    "look_for": "<A> [look] for <o> <p>\n<A> [search] for <o> <p>",
    "buy": "<A> [buy|get|choose] <o> <p>",
    "buy_for": "<A> [buy] <o> for <b>\n<A> [buy] <b> <o>",
    "sell": "<A> [sell] <o> to <b>\n<A> [sell] <b> <o>",
    "pay": "<A> [pay] <n> coins for <o>\n<A> [spend] <n> coins on <o>",
    "cost": "<A> [cost] <n> coins",
    "share": "<A> [share] <o> with <b>",
    "carry": "<A> [carry|bring|take] <o> <p>",
    "throw": "<A> [throw] <o> to <b>\n<A> [throw] <b> <o>",
    # work and play
    "make": "<A> [make|build] <o>\n<A> [make] <o> with great care",
    "make_of": "<A> [make] <o> out of <M>",
    "cook": "<A> [cook|make|bake|prepare] <o> for <b>",
    "eat": "<A> [eat|taste|enjoy|share|finish] <o>",
    "drink": "<A> [drink|taste|enjoy|finish] <o>",
    "clean": "<A> [clean|wash|dry|polish|wipe] <o>",
    "clean_room": "<A> [clean|sweep|tidy|paint] <o>",
    "mend": "<A> [mend|repair|fix] <o>",
    "mend_with": "<A> [mend|repair|fix] <o> with <q>",
    "break": "<A> [break] <o>\n<A> [break] <o> by mistake",
    "paint": "<A> [paint|colour] <o> <c>",
    "wear": "<A> [wear] <o>\n<A> [put] on <o>\n<A> [be] dressed in <o>",
    "read": "<A> [read] <o> <p>\n<A> [read] <o> aloud <p>",
    "write": "<A> [write|send] <o> to <b>\n<A> [write|send] <b> <o>",
    "play": "<A> [play] with <o> <p>",
    "play_music": "<A> [play] the <N>\n<A> [practise] the <N>",
    "sing": "<A> [sing|dance|laugh|play] <p>\n<A> [sing] a song <p>",
    "plant": "<A> [plant|water|pick] <o> <p>",
    "feed": "<A> [feed|brush|wash] <o>\n<A> [care] for <o>",
    "help": "<A> [help] <b>\n<A> [work] together with <b>",
    "teach": "<A> [teach] <b> to read\n<A> [teach] <b> to swim\n<A> [show] <b> the way",
    "work_at": "<A> [work] <p>\n<A> [work] hard <p>",
    "rest": "<A> [rest|sleep] <p>\n<A> [fall] asleep <p>\n<A> [have] a rest <p>",
    "wake": "<A> [wake] up early\n<A> [get] up early\n<A> [wake] up late\n<A> [get] up late",
    "watch": "<A> [watch|hear|see|notice] <o>",
    "open": "<A> [open|close|shut|lock] <o>",
    "catch": "<A> [catch|chase|follow] <o>",
    "draw": "<A> [draw|paint] a picture of <o>",
    "collect": "<A> [collect|gather] <o> <p>",
    "wait_for": "<A> [wait] for <b> <p>",
    "win": "<A> [win] the race\n<A> [win] the game\n<A> [come] first",
    "invite": "<A> [invite] <b> to <q>",
    "thank": "<A> [thank] <b>\n<A> [thank] <b> for the help\n<A> [smile] at <b>",
    "forget": "<A> [forget] about <o>\n<A> [remember] <o>",
    "belongs": """<o> [be] with <b>\n<o> [belong] to <b>\nthe one with <o> [be] <b>
        it [be] <b> who had <o>""",
    "colour_of": "the colour of <o> [be] <c>",
    "count_is": "there [be] <o> in all",
    "most_of": "the <j> of them [be] <b>\nthe <j> one [be] <b>",
    "first_was": "the first to come [be] <b>\nit [be] <b> who came first",
    "last_was": "the last to come [be] <b>\nit [be] <b> who came last",
    # being, feeling, wanting
    "is_a": "<A> [be] <o>",
    "is": "<A> [be] <j>",
    "is_very": "<A> [be] very <j>\n<A> [be] quite <j>\n<A> [be] really <j>\n<A> [be] too <j>",
    "is_kind": "<A> [be] a kind of <N>\n<A> [be] one kind of <N>",
    "feel": "<A> [feel|be] <j>\n<A> [feel] very <j>\n<A> [be] so <j>",
    "become": "<A> [become|get] <j>\n<A> [grow] <j>",
    "colour_is": "<A> [be] <c>",
    "is_of": "<A> [be] made of <M>",
    "age": "<A> [be] <n> years old",
    "like": "<A> [like|love|enjoy] <M>\n<A> [like|love] <M> very much",
    "dislike": "<A> [dislike|hate] <M>\n<A> [dislike] <M> very much",
    "like_doing": """<A> [like|love] to [read:base]\n<A> [like|love] to [sing:base]\n<A> [like|love] to [swim:base]
        <A> [like|love] to [cook:base]\n<A> [like|love] to [draw:base]\n<A> [like|love] to [dance:base]
        <A> [like|love] to [fish:base]\n<A> [like|love] to [climb:base] trees\n<A> [enjoy] [ride:ing] horses
        <A> [enjoy] [walk:ing] in the rain\n<A> [enjoy] [tell:ing] stories\n<A> [enjoy] [play:ing] games""",
    "like_of_all": "<A> [like] <M> best\n<A> [like] <M> most of all",
    "prefer": "<A> [like] <M> more than <l>",
    "want": "<A> [want|wish] to [have:base] <o>\n<A> [need] <o>\n<A> [want] <o>",
    "want_go": "<A> [want|hope|plan|decide] to [go:base] <p>",
    "want_buy": "<A> [want|hope|plan|decide] to [buy:base] <o>",
    "want_make": "<A> [want|hope|plan|decide] to [make:base] <o>",
    "afraid": "<A> [be] afraid of <o>",
    "think": "<A> [think|believe] that <s>",
    "say": "<A> [say] that <s>\n<A> [explain] that <s>",
    "tell": "<A> [tell] <b> that <s>",
    "know": "<A> [know|remember|learn|hear] that <s>",
    "mistake": "<A> [make] a mistake\n<A> [be] wrong",
    "opinion": "<A> [be] <j>\n<A> [be] really <j>\n<A> [be] very <j>",
    "look": "<A> [look|taste|smell|sound] <j>",
    "look_only": "<A> [look|be|seem] <j>",
    "weather_is": "<A> [be] <j> <t>",
    "live": "<A> [live] <p>",
    "work_as": "<A> [work] as <o>\n<A> [be] <o>",
    "name_is": "the name of <o> [be] <m>",
    "called": "<A> [be] called <m>",
    # weather and nature
    "rain": "it [rain|snow] <t>\nthe sun [shine] <t>\nthe wind [blow] <t>",
    "rain_hard": "it [rain|snow] hard\nthe wind [blow] hard\nit [rain] all day",
    "cold": "it [be] <j> <t>",
    "sun": "the sun [rise]\nthe sun [set]\nthe stars [shine]\nthe moon [shine]\nthe birds [sing]",
    "river": "<A> [run|flow] through <o>",
    "grow": "<A> [grow] <p>",
    "fly": "<A> [fly|run|jump|swim] away",
    "noise": "<A> [bark|sing|shout|cry|yawn|laugh]\n<A> [make] a loud noise",
    "fall": "<A> [fall] <p>",
    # facts about kinds
    "eats": "<A> [eat] <M>",
    "gives": "<A> [give] <M>",
    "lives_in": "<A> [live] <p>",
    "can_do": "<A> can [fly:base]\n<A> can [swim:base]\n<A> can [climb:base] trees\n<A> can [run:base] fast",
    "makes": "<A> [make] <M>",
    "sells": "<A> [sell] <M>",
    "works_with": "<A> [work] with <o>\n<A> [use] <o>",
    "used_to": "<A> [be] used for <M>",
    "comes_after": "<A> [come] after <m>\n<A> [follow] <m>",
    "comes_before": "<A> [come] before <m>",
    "opposite": "the opposite of <w> [be] <w2>",
    "plural": "the plural of <N> [be] <M>",
    "kind_list": "<l> [be] <M>",
    "known_for": "<A> [be] known for its <M>\n<A> [be] famous for its <M>",
    # numbers
    "there_is": "there [be] <o> <p>",
    "count": "<A> [count] <o>\n<A> [count] <o> carefully",
    "count_to": "<A> [count] to <n>\n<A> [count] up to <n>",
    "has_left": "<A> [have] <n> left",
    "has_now": "now <A> [have] <o>\n<A> [have] <o> now",
    "plus": "<n> and <n2> [make] <n3>",
    "plus_is": "<n> plus <n2> is <n3>",
    "minus": "<n> take away <n2> is <n3>",
    "minus_is": "<n> minus <n2> is <n3>",
    "double": "two times <n> is <n2>",
    "more_than_n": "<n> is more than <n2>",
    "less_than_n": "<n> is less than <n2>",
    "than": "<A> [be] <j> than <b>",
    "most": "<A> [be] the <j>\n<A> [be] the <j> of all",
    "as": "<A> [be] as <j> as <b>",
    "than_not": "<A> [be] not as <j> as <b>",
    "more_of": "there [be] more <M> than <o>",
    "hurt": "<A> [hurt] <o>",
    "visit_all": "<A> [visit|see] <l>",
    "contains": "<A> [be] made of <l>",
    "from_whom": "<o> [come] from <b>\n<o> [be] a present from <b>",
    "go_first": "first <A> [go] <p>\n<A> [go] <p> first",
    "go_last": "last of all <A> [go] <p>\n<A> [go] <p> last",
    # the order of things
    "first": "first <A> [go] <p>\n<A> [go] <p> first",
    "came_first": "<A> [come|arrive] first\n<A> [be] first",
    "came_last": "<A> [come|arrive] last\n<A> [be] last",
    "came_after": "<A> [come|arrive] after <b>",
    # at school: words and lists, told as things that people did
    "words_board": "<A> [write] <n> words on the board : <w>",
    "words_said": "<A> [say] the words <w>\n<A> [read] the words <w>",
    "words_sorted": """<A> [put] the words in the order of the alphabet : <w>
        <A> [sort] the words by the alphabet : <w>\n<A> [write] the words in alphabetical order : <w>""",
    "words_backwards": "<A> [read] the words backwards : <w>\n<A> [say] the words in reverse order : <w>",
    "words_again": "<A> [repeat|copy] the words : <w>\n<A> [write] the same words : <w>",
    "words_first": "the first word [be] <w>\nthe first of the words [be] <w>",
    "words_last": "the last word [be] <w>\nthe last of the words [be] <w>",
    "words_second": "the second word [be] <w>",
    "words_count": "the list [have] <n> words\nthere [be] <n> words in the list",
    "words_kind": "<A> [find] the <M> in the list : <w>",
    "word_odd": "the odd word [be] <w>\nthe odd word in the list [be] <w>",
    "word_not": "<w> is not <o>",
    "numbers_board": "<A> [write] some numbers on the board : <w>",
    "numbers_sorted": "<A> [put|write] the numbers in order from small to large : <w>\n"
    "<A> [sort] the numbers from the smallest to the largest : <w>",
    "numbers_down": "<A> [put|write] the numbers in order from large to small : <w>\n"
    "<A> [sort] the numbers from the largest to the smallest : <w>",
    "number_max": "the largest number [be] <n>\nthe largest of the numbers [be] <n>",
    "number_min": "the smallest number [be] <n>\nthe smallest of the numbers [be] <n>",
    "list_write": "<A> [write] a list : <w>\n<A> [make] a list : <w>",
    "list_and": "<A> [put] an and before the last word : <l>\n<A> [write] it as one line : <l>",
    "sentence_board": "<A> [write] a sentence on the board : <s>\n<A> [write] : <s>",
    "sentence_past": "<A> [write] it in the past : <s>\n<A> [change] the sentence to the past : <s>\n"
    "in the past it [be] : <s>",
    "sentence_future": "<A> [write] it in the future : <s>\n<A> [change] the sentence to the future : <s>\n"
    "in the future it [be] : <s>",
    "sentence_present": "<A> [write] it in the present : <s>\n<A> [change] the sentence to the present : <s>\n"
    "in the present it [be] : <s>",
    "sentence_not": "<A> [make] the sentence negative : <s>\n<A> [write] it with not : <s>\n"
    "<A> [say] the opposite : <s>",
    "sentence_mood": "<A> [call] the sentence <j>\n<A> [say] that it was <o>\nthe sentence [be] <j>",
    "sentence_copy": "<A> [copy|repeat|read] the sentence : <s>",
    "rule": "the rule [be] simple\nthe answer [be] right\nthe teacher [be] pleased with the answer\n"
    "the teacher [praise] the class\nthe answer [be] wrong at first",
    "plural_said": "<A> [write|say] <l> and then <l2>",
    "plural_one": "one <N>, two <M>",
    "letters": "the word <w> [begin] with the letter <m>",
    "input": "<A> [take] <M> as its input",
    "in_out": "input goes in and output comes out\ninstructions are for people and machines",
    "input_is": "the input [be] <M>\nthe output [be] <M>",
    "output": "<A> [give] <o> as its output",
    "instruction": "<A> [follow|read|obey] the instruction",
    "answer_is": "the answer [be] <w>\nthe right answer [be] <w>",
    # what somebody wants done, and what somebody finds out
    "ask_sort": """<A> [tell|ask] <b> to sort the words by the alphabet
        <A> [tell|ask] <b> to put these words in alphabetical order
        <A> [want] <b> to write the words in the order of the alphabet
        <A> [want] to sort these words alphabetically""",
    "ask_backwards": """<A> [tell|ask] <b> to write the words backwards
        <A> [tell] <b> to put this list in reverse order
        <A> [want] <b> to read the words from the last to the first""",
    "ask_copy": "<A> [tell|ask] <b> to copy the words\n<A> [want] to say these words again",
    "ask_nth": """<A> [tell|ask] <b> to find the <j> word in the list
        <A> [want] <b> to name the <j> word\n<A> [tell] <b> to write only the <j> word
        <A> [ask] <b> which word was the <j>\n<A> [know] which word [come:past] <j>""",
    "ask_and": """<A> [tell|ask] <b> to write the words as one line with and
        <A> [tell] <b> to join these words with and
        <A> [want] <b> to put and before the last word""",
    "ask_kind": """<A> [tell|ask] <b> to find the <M> in the list
        <A> [tell] <b> to write only the <M>\n<A> [want] <b> to name the <M> in this list
        <A> [ask] <b> which of these words were <M>\n<A> [know] which words were <M>""",
    "ask_count": """<A> [tell|ask] <b> to count the <M> in the list
        <A> [ask] <b> how many <M> there were\n<A> [want] to know how many <M> were in the list
        <A> [tell] <b> to say how many of these words were <M>""",
    "ask_odd": """<A> [tell|ask] <b> to find the odd word
        <A> [ask] <b> which word was the odd one
        <A> [want] <b> to name the word that was different from the others""",
    "ask_numbers": """<A> [tell|ask] <b> to put the numbers in order from small to large
        <A> [tell] <b> to sort these numbers from the smallest to the largest
        <A> [want] <b> to write the numbers in order with the smallest first""",
    "ask_end": """<A> [tell|ask] <b> to find the <j> of these numbers
        <A> [ask] <b> which number was the <j>\n<A> [want] <b> to write the <j> number""",
    "ask_tense": """<A> [tell|ask] <b> to write the sentence in the <j>
        <A> [tell] <b> to change this sentence to the <j>\n<A> [want] <b> to put it into the <j>
        <A> [tell] <b> to say the same in the <j>""",
    "ask_not": """<A> [tell|ask] <b> to make the sentence negative
        <A> [want] <b> to write it with not\n<A> [tell] <b> to put not into this sentence
        <A> [tell] <b> to say that it was not so""",
    "ask_mood": """<A> [ask] <b> if the sentence was positive or negative
        <A> [tell] <b> to call this sentence positive or negative
        <A> [want] <b> to decide which it was , positive or negative""",
    "ask_plural": """<A> [tell|ask] <b> to write the plural of the word <N>
        <A> [ask] <b> what the plural of <N> was\n<A> [want] to change the word <N> to the plural""",
    "said_plural": "<A> [write|say] <M>\nthe plural [be] <M>\nit [be] <M>",
    "ask_opposite": """<A> [tell|ask] <b> to find the opposite of the word <w>
        <A> [ask] <b> what the opposite of <w> was\n<A> [want] to know the opposite of this word : <w>""",
    "said_opposite": "<A> [write|say] <w>\nthe opposite [be] <w>\nit [be] <w>",
    "ask_category": """<A> [ask] <b> what kind of thing <o> was
        <A> [tell] <b> to name the kind of thing\n<A> [want] to know what kind of thing <o> was""",
    "ask_sum": """<A> [tell|ask] <b> to add the numbers <w>\n<A> [ask] <b> how much <w> were
        <A> [want] to work out what <w> made""",
    "said_sum": "<A> [write|say] <n>\nthe answer [be] <n>\nit [be] <n>",
    "ask_end_of": """<A> [tell|ask] <b> to finish the sentence
        <A> [tell] <b> to complete the sentence with the missing word
        <A> [want] to know what came next\n<A> [know] how the sentence ended""",
    "wonder_who": """<A> [ask] who had <o>\n<A> [want] to know which person had <o>
        <A> [know] who had <o> now\n<A> [find] out who the one with <o> was
        <A> [ask] to whom <o> belonged""",
    "wonder_where": """<A> [ask] where <o> was\n<A> [want] to know in which place <o> was
        <A> [know] where <o> was now\n<A> [find] out where <o> was\n<A> [say] where <o> was""",
    "wonder_colour": """<A> [ask] what colour <o> was\n<A> [want] to know which colour <o> was
        <A> [know] what the colour of <o> was\n<A> [find] out of which colour <o> was""",
    "wonder_many": """<A> [ask] how many <M> there were\n<A> [want] to know how many <M> there were now
        <A> [say] how many <M> were left""",
    "wonder_most": """<A> [ask] who the <j> was\n<A> [want] to know which of them was the <j>
        <A> [find] out who of them was the <j>""",
    "there_were": "there [be] <n>",
    "it_was": "it [be] <o>",
    "it_was_at": "it [be] <p>",
    "it_was_colour": "it [be] <c>",
    # summing up
    "so_has": "<A> [have] <o>",
    "in_the_end": "everyone [be] <j>\nthe day [be] over\nthe story [end] well",
    "good_day": "it [be] a good day\nit [be] a long day\nit [be] a lovely day\nit [be] a day to remember",
    "bad_day": "it [be] a bad day\nit [be] a terrible day\nit [be] a day to forget",
}  # fmt: skip

FRAMES = load(_EVENTS)
