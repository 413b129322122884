"""What is true in the small world: plain tables, and the words that the scenes draw from."""

from dataclasses import dataclass

# Rows are compared by identity (eq=False), which makes them quick keys.


@dataclass(frozen=True, eq=False)
class Gender:
    """The pronouns, as they begin a sentence and inside one."""

    He: str
    he: str
    him: str
    His: str
    his: str


FEMALE = Gender("She", "she", "her", "Her", "her")
MALE = Gender("He", "he", "him", "His", "his")


@dataclass(frozen=True, eq=False)
class Family:
    """Four names, and what is true of each."""

    mother: str
    father: str
    daughter: str
    son: str
    mothers_work: str
    fathers_work: str
    daughters_pet: str
    daughters_pet_name: str
    daughter_plays: str
    sons_pet: str
    sons_pet_name: str
    son_plays: str


FAMILIES = (
    Family(
        "Clara",
        "Paul",
        "Anna",
        "Tom",
        "doctor",
        "baker",
        "dog",
        "Rex",
        "the violin",
        "cat",
        "Luna",
        "football",
    ),
    Family(
        "Maria",
        "David",
        "Lucy",
        "Ben",
        "pilot",
        "teacher",
        "rabbit",
        "Coco",
        "the flute",
        "parrot",
        "Kiwi",
        "chess",
    ),
    Family(
        "Helen",
        "Oscar",
        "Emma",
        "Leo",
        "farmer",
        "singer",
        "cat",
        "Misty",
        "tennis",
        "dog",
        "Bruno",
        "the piano",
    ),
)


@dataclass(frozen=True, eq=False)
class Country:
    """A country and what it is known for."""

    country: str
    capital: str
    language: str
    food: str
    landmark: str  # stands in the capital
    material: str  # of the landmark
    size: str  # of the landmark

    @property
    def bare_landmark(self) -> str:
        """Without "the", as a miniature of it is called."""
        return self.landmark.removeprefix("the ")


COUNTRIES = (
    Country("France", "Paris", "French", "ratatouille", "the Eiffel tower", "iron", "tall"),
    Country("Japan", "Tokyo", "Japanese", "sushi", "the Skytree", "steel", "tall"),
    Country("Germany", "Berlin", "German", "bratwurst", "the Brandenburg gate", "stone", "big"),
    Country("Italy", "Rome", "Italian", "pizza", "the Colosseum", "stone", "big"),
    Country("Korea", "Seoul", "Korean", "kimchi", "the Namsan tower", "concrete", "tall"),
    Country("Spain", "Madrid", "Spanish", "paella", "the Prado museum", "brick", "big"),
    Country("England", "London", "English", "pudding", "Westminster abbey", "stone", "big"),
    Country("Greece", "Athens", "Greek", "moussaka", "the Parthenon", "marble", "big"),
    Country("Egypt", "Cairo", "Arabic", "koshari", "the Cairo tower", "concrete", "tall"),
    Country("Russia", "Moscow", "Russian", "borscht", "the Kremlin", "brick", "big"),
    Country("China", "Beijing", "Chinese", "tofu", "the Forbidden city", "wood", "big"),
    Country("Vietnam", "Hanoi", "Vietnamese", "pho", "the Turtle tower", "stone", "tall"),
)


@dataclass(frozen=True, eq=False)
class Figure:
    """Someone in a tale. Three properties, two values each, and a word for every combination."""

    word: str
    gender: Gender
    age: str
    wealth: str


FIGURES = (
    Figure("king", MALE, "old", "rich"),
    Figure("queen", FEMALE, "old", "rich"),
    Figure("prince", MALE, "young", "rich"),
    Figure("princess", FEMALE, "young", "rich"),
    Figure("man", MALE, "old", "poor"),
    Figure("woman", FEMALE, "old", "poor"),
    Figure("boy", MALE, "young", "poor"),
    Figure("girl", FEMALE, "young", "poor"),
)
HOMES = {"rich": ("castle", "palace"), "poor": ("cottage", "hut")}
TREASURES = {"rich": ("crown", "sword", "jewel"), "poor": ("hat", "axe", "basket")}

PLACES = ("kitchen", "garden", "park", "library", "attic", "forest", "market", "barn")
THINGS = ("ball", "key", "book", "lamp", "map", "cup", "kite", "letter")
COLOURS = ("red", "blue", "green", "yellow", "white", "black")
CLOTHES = ("coat", "scarf", "hat", "shirt")
BUILDINGS = ("tower", "castle", "bridge", "gate")
COUNTED = ("apples", "books", "coins", "nuts", "shells", "stamps")
NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
).split()  # the place in the list is the number; no document says zero

# What every one of its kind is.
KINDS = {
    "king": "a man",
    "queen": "a woman",
    "prince": "a boy",
    "princess": "a girl",
    "father": "a man",
    "mother": "a woman",
    "son": "a boy",
    "daughter": "a girl",
    "dog": "an animal",
    "cat": "an animal",
    "rabbit": "an animal",
    "parrot": "a bird",
}


@dataclass(frozen=True, eq=False)
class Sense:
    """One of the two meanings of a word, and what is told of it."""

    word: str
    kind: str
    places: tuple[str, ...]
    facts: tuple[str, ...]


SENSES = (
    Sense(
        "mole",
        "an animal",
        ("in the garden", "in the meadow"),
        ("digs a long tunnel", "has soft black fur", "eats worms"),
    ),
    Sense(
        "mole",
        "a spot on the skin",
        ("at the hospital", "in front of the mirror"),
        ("is on the left arm", "is small and brown", "does not hurt"),
    ),
    Sense(
        "bank",
        "the side of a river",
        ("by the river", "in a boat"),
        ("is wet and muddy", "is full of flowers", "is covered with grass"),
    ),
    Sense(
        "bank",
        "a place for money",
        ("in the city", "at the station"),
        ("keeps money safe", "opens at nine", "has many customers"),
    ),
    Sense(
        "bat",
        "an animal",
        ("in a dark cave", "in the meadow"),
        ("sleeps upside down", "flies at night", "has thin wings"),
    ),
    Sense(
        "bat",
        "a thing for games",
        ("at the baseball game", "at school"),
        ("hits the ball", "has a long handle", "is made of wood"),
    ),
    Sense(
        "trunk",
        "a part of a tree",
        ("in the garden", "by the river"),
        ("has rough bark", "grows every year", "carries many branches"),
    ),
    Sense(
        "trunk",
        "a box for a journey",
        ("at the station", "at the harbour"),
        ("is full of clothes", "has two locks", "is made of leather"),
    ),
    Sense(
        "seal",
        "an animal",
        ("by the sea", "at the zoo"),
        ("catches a fish", "swims very well", "has a wet nose"),
    ),
    Sense(
        "seal",
        "a stamp of wax",
        ("at the office", "at the museum"),
        ("closes a letter", "is made of red wax", "shows a lion"),
    ),
    Sense(
        "crane",
        "a bird",
        ("by the sea", "in a boat"),
        ("stands on one leg", "has long feathers", "builds a nest"),
    ),
    Sense(
        "crane",
        "a machine",
        ("at the harbour", "in the city"),
        ("lifts a heavy box", "is made of steel", "has a big engine"),
    ),
    Sense(
        "mouse",
        "an animal",
        ("in a dark cave", "at the zoo"),
        ("eats cheese", "has a long tail", "hides in a hole"),
    ),
    Sense(
        "mouse",
        "a part of a computer",
        ("at the office", "at school"),
        ("has two buttons", "moves the arrow", "is made of plastic"),
    ),
)

TIMES = ("week", "year", "summer", "winter")  # when a journey was: last week
DAYTIMES = ("morning", "noon", "evening", "night")

# What a traveller did, and the column of `COUNTRIES` that says with what.
DEEDS = {" ate": "food", " saw": "landmark", " stayed in": "capital", " learned some": "language"}

# Sentences about countries: opening, what its first slot may name, then how it goes on and
# what of the country comes then.
FRAMES = {
    "The capital of": (("country",), {" is": "capital"}),
    "The best": (("food",), {" comes from": "country"}),
    "People in": (("country", "capital"), {" speak": "language", " eat": "food"}),
    "In": (("capital",), {" stands": "landmark"}),
    "To see": (("landmark",), {", go to": "capital"}),
    "To learn": (("language",), {", go to": "country"}),
}
