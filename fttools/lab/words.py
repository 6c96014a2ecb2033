# ruff: noqa: E501 (word lists and sentence frames read best one to a line)
"""The world's words, by kind: nouns with their plurals, adjectives, names, numbers.

`NOUNS["animal"]` is a tuple of singulars, `plural(noun)` its plural; `MASS` nouns have none.
Every list was written for this course.
"""

from __future__ import annotations


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


GIRLS = _split("""
        Ada Agnes Alma Amy Anna Asha Bea Bella Carla Cora Clara Daisy Dana Diya Dora Edith Ella
        Elsa Emma Esther Eva Faye Fiona Flora Freya Gemma Grace Greta Hana Hazel Helen Hilda Ida
        Ines Iris Ivy Jana Jane Joan Julia June Kate Kira Lara Lena Lily Lina Lola Lucy Luna
        Mabel Maria Mara Maya Meera Mia Mina Molly Nadia Nell Nina Nora Olga Olive Paula Pearl
        Petra Polly Rana Rita Rosa Ruby Ruth Sara Selma Sita Sonia Stella Susan Tara Tessa Tina
        Una Vera Viola Wanda Willa Yara Zara Zoe""")
BOYS = _split("""
        Adam Alan Albert Amir Anton Arun Ben Bernard Boris Bruno Carl Caleb Cyril Dan David
        Dennis Diego Edgar Eli Emil Eric Felix Finn Frank Fred George Gus Hans Harry Hector
        Henry Hugo Ian Igor Isaac Ivan Jack Jacob James Jonas Karl Kofi Lars Leo Liam Louis
        Lucas Luke Malik Marco Mark Martin Max Milo Nils Noah Oliver Omar Oscar Otto Pablo Paul
        Pavel Peter Philip Ralph Ravi Remy Robert Robin Roger Ross Sam Samir Simon Stan Sven
        Theo Thomas Tim Tobias Tom Tony Victor Walter Will Yusuf""")
SURNAMES = _split("""
        Archer Barrow Birch Brook Carver Cole Dale Drake Fisher Flint Forrest Garner Grove Hale
        Hart Holm Hunter Keller Lake Lane Marsh Mason Miller Moss North Oakes Parker Penn Potter
        Reed Rivers Sharp Shepherd Stone Thorn Turner Vale Weaver Wells Winter""")
TOWNS = _split("""
        Ashford Birchwood Brookside Cliffton Coldwell Elmstead Fairport Fernhill Foxley Glenmore
        Greenfield Harrow Highgate Kingsmead Lakeview Larkham Longbridge Maplewood Millbank
        Moorside Newhaven Northwick Oakdale Oldbridge Pinecrest Redcliff Riverton Rosehill
        Sandbay Silverton Southend Springvale Stonebrook Thornbury Underhill Weston Whitby
        Willowdale Winfield Woodend""")
RIVERS = _split("Alder Brant Calder Dene Esk Fenn Garrow Hollin Irwell Kenn Lorne Mersel")

_NOUNS = {
    "animal": """
        cow horse sheep goat pig hen duck goose dog cat rabbit mouse fox wolf bear deer owl crow
        robin eagle sparrow swan frog toad snake lizard bee ant spider butterfly beetle worm
        snail fish whale seal crab otter badger hedgehog squirrel bat donkey camel lion tiger
        elephant monkey giraffe zebra turtle penguin parrot pigeon turkey lamb calf puppy kitten
        pony rat mole heron dove hawk moth dragonfly dolphin shark salmon trout""",
    "fruit": """
        apple pear plum peach cherry grape lemon orange banana strawberry raspberry blackberry
        melon fig date mango lime apricot blueberry""",
    "vegetable": """
        carrot potato onion bean pea turnip cabbage leek radish beetroot tomato cucumber pumpkin
        pepper mushroom""",
    "dish": """
        cake pie pancake sandwich biscuit bun roll egg sausage dumpling waffle muffin omelette
        stew tart""",
    "clothing": """
        coat hat shirt dress skirt scarf glove sock boot shoe jacket sweater belt cap apron
        cloak vest blouse tie sandal slipper mitten raincoat""",
    "tool": """
        hammer saw axe spade rake hoe shovel drill screwdriver needle brush broom knife ladder
        rope wrench chisel file plough sickle trowel paintbrush""",
    "toy": """
        ball kite doll puzzle top drum whistle balloon marble block puppet swing sled rattle
        yoyo teddy""",
    "furniture": """
        table chair bed desk shelf sofa stool bench cupboard wardrobe lamp mirror carpet curtain
        drawer cradle""",
    "container": """
        box basket bag bucket bottle jar cup bowl barrel crate sack chest tin jug pot tray trunk
        purse pocket case""",
    "vehicle": """
        car bus train boat ship bicycle cart lorry tram tractor ferry plane van wagon canoe raft
        sledge scooter""",
    "instrument": """
        piano violin flute guitar trumpet harp cello bell horn fiddle accordion clarinet""",
    "plant": """
        rose tulip daisy lily sunflower violet poppy oak pine birch willow maple elm fern bush
        hedge thistle ivy cactus""",
    "thing": """
        book letter map key clock watch coin ring picture candle pen pencil notebook stamp
        ticket umbrella pillow blanket towel lantern camera magnet compass button ribbon feather
        shell stone mask flag card parcel plate spoon fork kettle comb bead telescope diary
        postcard poster pin envelope rug vase crown fan net""",
    "job": """
        farmer baker teacher doctor nurse carpenter tailor fisherman sailor driver painter cook
        gardener miller blacksmith shepherd potter weaver librarian postman singer dancer clerk
        shopkeeper builder hunter pilot writer mayor guard judge plumber barber butcher dentist
        engineer mechanic musician porter waiter cleaner beekeeper captain vet grocer florist
        shoemaker watchmaker student lawyer""",
    "relative": """
        mother father sister brother aunt uncle cousin daughter son grandmother grandfather
        friend neighbour""",
    "room": """
        kitchen bedroom bathroom hall cellar attic study pantry office classroom workshop""",
    "place": """
        market school library park garden farm station harbour church museum hospital bakery
        mill bridge square shop field forest lake beach hill river castle inn factory barn
        stable playground theatre post village town cottage tower well orchard meadow cave
        island valley mountain pond street road path corner yard""",
    "body": """
        hand foot arm leg head nose ear eye mouth knee finger toe back neck tooth shoulder thumb
        face elbow""",
    "school": """
        lesson word sentence list question answer number letter page story poem song board chalk
        class exam alphabet rule name pair order line paragraph example drawing task instruction""",
    "extra": "room family neighbourhood burrow oven loom studio court tyre actor nut insect seed sea desert jungle",
    "group": """
        animal fruit vegetable tool toy vehicle instrument plant job colour food drink person
        place bird insect tree flower metal""",
    "meal": "meal breakfast lunch dinner supper snack picnic",
    "event": """
        party wedding race game match fair concert storm journey walk trip visit meeting
        festival holiday dance play show birthday accident surprise contest""",
    "time": "minute hour day week month year morning evening afternoon night moment summer winter",
    "misc": """
        film sound voice noise idea plan promise secret reason mistake gift prize present
        problem dream wish joke smile wheel engine roof door window wall floor gate fence stair
        chimney nest egg leaf branch root seed trunk flower tree bird insect cloud star shadow
        wave fire hole corner side top end part piece half shape circle price shilling penny
        cent machine input output result place thing way colour metal mayor child man woman boy
        girl baby team crowd queen king guest stranger pupil member customer visitor passenger
        traveller tail wing paw beak feather shop owner home house family""",
}  # fmt: skip
NOUNS: dict[str, tuple[str, ...]] = {kind: _split(text) for kind, text in _NOUNS.items()}

MASS: dict[str, tuple[str, ...]] = {
    "food": _split("""
        bread butter cheese rice soup honey jam sugar salt flour meat porridge pasta cream
        chocolate toast salad fruit bacon ham oil"""),
    "drink": _split("water milk tea coffee juice lemonade cocoa cider"),
    "material": _split("""
        wood stone iron glass paper cotton wool silk leather clay gold silver copper brick
        rubber straw plastic marble steel tin"""),
    "weather": _split("rain snow wind fog sunshine ice frost hail thunder lightning mist"),
    "other": _split("""
        grass hay corn wheat grain music money time work help luck news homework paint sand mud
        dust smoke light air fun advice furniture luggage ink soap fur wax coal space traffic
        pottery lace ice blood history science art reading writing spelling counting"""),
}  # fmt: skip
METALS = ("iron", "gold", "silver", "copper", "steel", "tin")

IRREGULAR_PLURALS = dict(
    pair.split("/")
    for pair in _split("""
        sheep/sheep goose/geese mouse/mice wolf/wolves deer/deer fish/fish calf/calves
        salmon/salmon trout/trout knife/knives shelf/shelves leaf/leaves half/halves foot/feet
        tooth/teeth child/children man/men woman/women person/people fisherman/fishermen
        postman/postmen potato/potatoes tomato/tomatoes loaf/loaves thief/thieves scarf/scarves
        hero/heroes wife/wives penny/pence mango/mangoes cactus/cactuses roof/roofs bus/buses""")
)  # fmt: skip

COLOURS = _split("red blue green yellow black white brown grey pink purple orange golden silver")
SIZES = _split("big small large tiny huge little long short tall wide narrow thin thick")
# Praise and blame, by what they suit: anything, food, people.
GOOD = _split("""
        wonderful lovely excellent pleasant beautiful charming perfect splendid fine brilliant
        exciting delightful marvellous pretty amazing great""")
GOOD_FOOD = _split("delicious tasty fresh wonderful excellent lovely perfect sweet")
GOOD_PERSON = _split("""
        kind helpful cheerful clever polite honest gentle friendly patient brave generous
        charming""")
BAD = _split("""
        awful terrible horrible nasty dull boring ugly dreadful unpleasant poor useless gloomy
        disappointing bad shabby""")
BAD_FOOD = _split("stale bitter rotten awful horrible burnt nasty terrible")
BAD_PERSON = _split(
    "cruel lazy selfish noisy unkind mean rude greedy grumpy careless cross dishonest"
)
POSITIVE = tuple(dict.fromkeys(GOOD + GOOD_FOOD + GOOD_PERSON))
NEGATIVE = tuple(dict.fromkeys(BAD + BAD_FOOD + BAD_PERSON))
GLAD = _split(
    "happy glad pleased proud joyful delighted thankful hopeful excited calm content merry"
)
SAD = _split("""
        sad angry unhappy upset afraid lonely tired worried jealous bored disappointed miserable
        frightened annoyed hurt""")
QUALITY = _split("""
        old new young hot cold wet dry clean heavy light hard soft strong weak full empty open
        closed deep shallow fast slow early late loud quiet rich expensive cheap sharp blunt
        sweet sour smooth rough dark flat steep round square straight safe dangerous easy
        difficult busy free high low near far ripe raw wooden lost hungry thirsty sleepy brave
        shy wise foolish famous strange ordinary plain simple careful careless patient sick
        healthy wild tame rare common next last first second third other same whole different
        favourite whole busy ready careful silent lucky right wrong good salty golden ill
        curious sunny windy alone surprised fierce stormy afraid odd negative positive
        largest smallest past present future alphabetical reverse straight dear warm""")  # fmt: skip
OPPOSITES = dict(
    pair.split("/")
    for pair in _split("""
        big/small hot/cold wet/dry clean/dirty heavy/light hard/soft strong/weak full/empty
        open/closed deep/shallow fast/slow early/late loud/quiet rich/poor expensive/cheap
        sharp/blunt sweet/sour smooth/rough old/new tall/short wide/narrow thick/thin happy/sad
        safe/dangerous easy/difficult high/low near/far brave/shy wise/foolish kind/cruel
        polite/rude sick/healthy wild/tame rare/common bright/dark good/bad right/wrong
        first/last""")
)  # fmt: skip

COMPARATIVES = {
    "tall": ("taller", "tallest"), "short": ("shorter", "shortest"), "old": ("older", "oldest"),
    "young": ("younger", "youngest"), "strong": ("stronger", "strongest"), "fast": ("faster", "fastest"),
    "heavy": ("heavier", "heaviest"), "light": ("lighter", "lightest"), "big": ("bigger", "biggest"),
    "small": ("smaller", "smallest"), "long": ("longer", "longest"), "rich": ("richer", "richest"),
    "happy": ("happier", "happiest"), "kind": ("kinder", "kindest"), "brave": ("braver", "bravest"),
    "cheap": ("cheaper", "cheapest"), "slow": ("slower", "slowest"), "wise": ("wiser", "wisest"),
}  # fmt: skip

DAYS = _split("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
MONTHS = _split("""
        January February March April May June July August September October November December""")
SEASONS = _split("spring summer autumn winter")
ORDINALS = _split("first second third fourth fifth sixth seventh eighth ninth tenth")
_UNITS = _split("""
        zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
        fifteen sixteen seventeen eighteen nineteen""")
_TENS = _split("twenty thirty forty fifty sixty seventy eighty ninety")
NUMBERS = (
    *_UNITS, *(f"{ten}-{unit}" if unit else ten for ten in _TENS for unit in ("", *_UNITS[1:10])),
    "hundred",
)  # fmt: skip


def number(n: int) -> str:
    """0..100 in words; larger numbers in digits."""
    return NUMBERS[n] if 0 <= n < 100 else "one hundred" if n == 100 else str(n)


def plural(noun: str) -> str:
    """The plural of a count noun.

    >>> plural("cherry"), plural("sheep"), plural("fox")
    ('cherries', 'sheep', 'foxes')
    """
    if noun in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[noun]
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def article(word: str) -> str:
    """ "a" or "an" before `word`."""
    vowel = word[0] in "aeiou" and not word.startswith(("uni", "use", "one"))
    return "an" if vowel or word.startswith(("hour", "honest")) else "a"


COUNT_NOUNS = tuple(sorted({n for words in NOUNS.values() for n in words}))
MASS_NOUNS = tuple(sorted({n for words in MASS.values() for n in words}))
ADJECTIVES = tuple(
    sorted({*COLOURS, *SIZES, *POSITIVE, *NEGATIVE, *GLAD, *SAD, *QUALITY, *OPPOSITES,
            *OPPOSITES.values(), *(w for pair in COMPARATIVES.values() for w in pair)})
)  # fmt: skip
NAMES = GIRLS + BOYS

# The kind a learner would name for each noun: used for facts and for classification tasks.
KIND_OF = {
    **{n: k for k in ("animal", "fruit", "vegetable", "tool", "vehicle", "instrument", "job",
                      "clothing", "furniture", "plant", "toy") for n in NOUNS[k]},
    **dict.fromkeys(MASS["drink"], "drink"),
    **{n: "colour" for n in COLOURS if n not in NOUNS["fruit"]},
    **dict.fromkeys(METALS, "metal"),
}  # fmt: skip
