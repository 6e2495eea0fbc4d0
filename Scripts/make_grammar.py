#!/usr/bin/env python3
"""Writes corpora/grammar.tsv and corpora/grammar.valid.tsv: English sentences and their Spanish translations.

    python3 Scripts/make_grammar.py [--folder corpora]

A small grammar of our own, so that a translator can be trained without any download. Each English sentence has exactly
one translation, by these rules:

- Determiners, adjectives and participles agree with their noun in gender and number: `these red houses` is
  `estas casas rojas`, `this red book` is `este libro rojo`.
- An adjective stands behind its noun, or behind the verb: `ser` for what things are, `estar` for how they are now.
- `not` is `no` before the verb; a question begins with its verb, between ¿ and ?.
- After `because`, *it* is `él` or `ella`: Spanish may leave it out, but said aloud it asks of *it* itself what it is. Who is too tired is the animal; what is too wide to be crossed is the
  street; what is too wide to pass through a door is the thing, and what is too narrow is the door.
- `Even though she did not win the award, she was satisfied` and `... she did win the award, she was not satisfied` have
  the same words: their order alone tells them apart.

Held out, and in no training sentence: every sentence that has both `cat` and `large`, among them `this cat is very
large`; every sentence with *it* about one in eight combinations of the two nouns, `animal` and `street` among them; the
two sentences about the award; and a part of all others, chosen by their SHA-256, as is the order. So the files are the
same on every machine, whatever its Python.
"""
import argparse
import hashlib
import os

# English singular and plural, Spanish singular and plural, gender.
ANIMALS = [
    ("animal", "animals", "animal", "animales", "m"), ("cat", "cats", "gato", "gatos", "m"),
    ("dog", "dogs", "perro", "perros", "m"), ("horse", "horses", "caballo", "caballos", "m"),
    ("bird", "birds", "pájaro", "pájaros", "m"), ("lion", "lions", "león", "leones", "m"),
    ("duck", "ducks", "pato", "patos", "m"), ("rabbit", "rabbits", "conejo", "conejos", "m"),
    ("fox", "foxes", "zorro", "zorros", "m"), ("mouse", "mice", "ratón", "ratones", "m"),
    ("cow", "cows", "vaca", "vacas", "f"), ("bee", "bees", "abeja", "abejas", "f"),
    ("hen", "hens", "gallina", "gallinas", "f"), ("turtle", "turtles", "tortuga", "tortugas", "f"),
    ("goat", "goats", "cabra", "cabras", "f"), ("frog", "frogs", "rana", "ranas", "f"),
    ("giraffe", "giraffes", "jirafa", "jirafas", "f"), ("spider", "spiders", "araña", "arañas", "f"),
]
PEOPLE = [
    ("boy", "boys", "niño", "niños", "m"), ("girl", "girls", "niña", "niñas", "f"),
    ("man", "men", "hombre", "hombres", "m"), ("woman", "women", "mujer", "mujeres", "f"),
    ("teacher", "teachers", "maestro", "maestros", "m"), ("queen", "queens", "reina", "reinas", "f"),
    ("king", "kings", "rey", "reyes", "m"), ("nurse", "nurses", "enfermera", "enfermeras", "f"),
]
PLACES = [
    ("street", "streets", "calle", "calles", "f"), ("river", "rivers", "río", "ríos", "m"),
    ("road", "roads", "camino", "caminos", "m"), ("bridge", "bridges", "puente", "puentes", "m"),
    ("square", "squares", "plaza", "plazas", "f"), ("field", "fields", "campo", "campos", "m"),
    ("forest", "forests", "bosque", "bosques", "m"), ("beach", "beaches", "playa", "playas", "f"),
    ("garden", "gardens", "jardín", "jardines", "m"), ("island", "islands", "isla", "islas", "f"),
    ("city", "cities", "ciudad", "ciudades", "f"), ("mountain", "mountains", "montaña", "montañas", "f"),
]
THINGS = [
    ("house", "houses", "casa", "casas", "f"), ("table", "tables", "mesa", "mesas", "f"),
    ("chair", "chairs", "silla", "sillas", "f"), ("flower", "flowers", "flor", "flores", "f"),
    ("shirt", "shirts", "camisa", "camisas", "f"), ("box", "boxes", "caja", "cajas", "f"),
    ("key", "keys", "llave", "llaves", "f"), ("cup", "cups", "taza", "tazas", "f"),
    ("book", "books", "libro", "libros", "m"), ("car", "cars", "coche", "coches", "m"),
    ("hat", "hats", "sombrero", "sombreros", "m"), ("shoe", "shoes", "zapato", "zapatos", "m"),
    ("tree", "trees", "árbol", "árboles", "m"), ("boat", "boats", "barco", "barcos", "m"),
    ("mirror", "mirrors", "espejo", "espejos", "m"), ("piano", "pianos", "piano", "pianos", "m"),
]
# English, the four Spanish forms (or a stem that takes -o -a -os -as), and the verb.
ADJECTIVES = [
    ("large", ("grande", "grande", "grandes", "grandes"), "ser"), ("small", "pequeñ", "ser"), ("old", "viej", "ser"),
    ("new", "nuev", "ser"), ("red", "roj", "ser"), ("white", "blanc", "ser"), ("black", "negr", "ser"),
    ("yellow", "amarill", "ser"), ("green", ("verde", "verde", "verdes", "verdes"), "ser"),
    ("blue", ("azul", "azul", "azules", "azules"), "ser"), ("beautiful", "hermos", "ser"), ("strange", "extrañ", "ser"),
    ("clean", "limpi", "estar"), ("dirty", "suci", "estar"), ("lost", "perdid", "estar"),
]
OF_LIVING = [
    ("tired", "cansad", "estar"), ("sick", "enferm", "estar"), ("hungry", "hambrient", "estar"),
    ("quiet", "callad", "estar"), ("slow", "lent", "ser"), ("nervous", "nervios", "estar"),
]
OF_PEOPLE = [a for a in ADJECTIVES if a[0] in ("small", "old", "new", "strange", "clean", "dirty", "lost")] + OF_LIVING
OF_PLACES = [
    ("wide", "anch", "ser"), ("long", "larg", "ser"), ("dangerous", "peligros", "ser"), ("dark", "oscur", "ser"),
    ("narrow", "estrech", "ser"), ("noisy", "ruidos", "ser"),
]
OF_THINGS = [
    ("expensive", "car", "ser"), ("heavy", "pesad", "ser"), ("broken", "rot", "estar"), ("cheap", "barat", "ser"),
    ("old", "viej", "ser"), ("ugly", "fe", "ser"),
]
DEGREES = [("", ""), ("very", "muy"), ("too", "demasiado"), ("so", "tan")]
# English singular and plural (nothing where it is the same), then the forms for m, f, m plural, f plural.
DETERMINERS = [
    ("the", "the", ("el", "la", "los", "las")), ("a", None, ("un", "una", None, None)),
    ("this", "these", ("este", "esta", "estos", "estas")), ("that", "those", ("ese", "esa", "esos", "esas")),
    ("my", "my", ("mi", "mi", "mis", "mis")), ("our", "our", ("nuestro", "nuestra", "nuestros", "nuestras")),
    ("every", None, ("cada", "cada", None, None)),
]
# English base, third person, past; Spanish present and past, singular and plural.
VERBS = [
    ("see", "sees", "saw", ("ve", "ven"), ("vio", "vieron")),
    ("buy", "buys", "bought", ("compra", "compran"), ("compró", "compraron")),
    ("want", "wants", "wanted", ("quiere", "quieren"), ("quiso", "quisieron")),
    ("sell", "sells", "sold", ("vende", "venden"), ("vendió", "vendieron")),
    ("paint", "paints", "painted", ("pinta", "pintan"), ("pintó", "pintaron")),
    ("carry", "carries", "carried", ("lleva", "llevan"), ("llevó", "llevaron")),
    ("find", "finds", "found", ("encuentra", "encuentran"), ("encontró", "encontraron")),
    ("lose", "loses", "lost", ("pierde", "pierden"), ("perdió", "perdieron")),
]
MOVES = [
    ("sleep", "sleeps", "slept", ("duerme", "duermen"), ("durmió", "durmieron")),
    ("run", "runs", "ran", ("corre", "corren"), ("corrió", "corrieron")),
    ("eat", "eats", "ate", ("come", "comen"), ("comió", "comieron")),
    ("live", "lives", "lived", ("vive", "viven"), ("vivió", "vivieron")),
]
BE = {"ser": (("es", "son"), ("era", "eran")), "estar": (("está", "están"), ("estaba", "estaban"))}

TRAINING, HELD_OUT = 10_000, 1_000


def key(text):
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def chosen(text, one_in):
    """About one in so many texts, by their SHA-256."""
    return int(key(text)[:8], 16) % one_in == 0


def form(forms, gender, plural):
    if isinstance(forms, str):
        forms = tuple(forms + ending for ending in ("o", "a", "os", "as"))
    return forms[(gender == "f") + 2 * plural]


def words(*parts):
    return " ".join(part for part in parts if part)


def noun_phrases(nouns, adjectives, plural):
    """English, Spanish and gender of every determiner with every noun, with and without every adjective."""
    for one, many, forms in DETERMINERS:
        if plural and many is None:
            continue
        for noun in nouns:
            english, spanish = (noun[1], noun[3]) if plural else (noun[0], noun[2])
            article = form(forms, noun[4], plural)
            for adjective in [None] + adjectives:
                before = many if plural else one
                first = adjective[0] if adjective else english
                if before == "a" and first[0] in "aeiou":
                    before = "an"
                yield (words(before, adjective and adjective[0], english),
                       words(article, spanish, adjective and form(adjective[1], noun[4], plural)), noun[4])


def copulas():
    """This cat is very large. Is this cat very large? This cat is not very large."""
    for nouns, adjectives in [(ANIMALS, ADJECTIVES + OF_LIVING), (PEOPLE, OF_PEOPLE), (PLACES, ADJECTIVES[:-1] + OF_PLACES),
                              (THINGS, ADJECTIVES + OF_THINGS[:4])]:
        for plural in (False, True):
            for subject, sujeto, gender in noun_phrases(nouns, [], plural):
                for adjective, forms, verb in adjectives:
                    for degree, grado in DEGREES:
                        es, be = BE[verb][0][plural], ("is", "are")[plural]
                        like, como = words(degree, adjective), words(grado, form(forms, gender, plural))
                        yield words(subject, be, like), words(sujeto, es, como)
                        yield words(subject, be, "not", like), words(sujeto, "no", es, como)
                        yield words(be, subject, like) + "?", "¿" + words(es, como, sujeto) + "?"


def actions():
    """The boy sees a red house, does not see it, saw it, did not see it; does he see it?"""
    adjectives = [a for a in ADJECTIVES if a[2] == "ser"]
    subjects = {p: [s for s in noun_phrases(PEOPLE, [], p) if not s[0].startswith("every")] for p in (False, True)}
    objects = [o for p in (False, True) for o in noun_phrases(THINGS, adjectives, p) if not o[0].startswith("every")]
    for plural in (False, True):
        for subject, sujeto, _ in subjects[plural]:
            for base, third, past, presente, pasado in VERBS:
                for thing, cosa, _ in objects:
                    if not chosen(subject + base + thing, 60):
                        continue
                    do = ("does", "do")[plural]
                    now, then = presente[plural], pasado[plural]
                    yield words(subject, base if plural else third, thing), words(sujeto, now, cosa)
                    yield words(subject, do, "not", base, thing), words(sujeto, "no", now, cosa)
                    yield words(do, subject, base, thing) + "?", "¿" + words(now, sujeto, cosa) + "?"
                    yield words(subject, past, thing), words(sujeto, then, cosa)
                    yield words(subject, "did not", base, thing), words(sujeto, "no", then, cosa)
                    yield words("did", subject, base, thing) + "?", "¿" + words(then, sujeto, cosa) + "?"


def scenes():
    """The small cat sleeps in the garden."""
    adjectives = [a for a in ADJECTIVES + OF_LIVING if a[0] not in ("new", "lost")]
    places = [p for p in noun_phrases(PLACES, [], False) if p[0].split()[0] in ("the", "this", "that", "our")]
    for plural in (False, True):
        for subject, sujeto, _ in noun_phrases(ANIMALS, adjectives, plural):
            for base, third, past, presente, pasado in MOVES:
                for place, lugar, _ in places:
                    if not chosen(subject + base + place, 25):
                        continue
                    do = ("does", "do")[plural]
                    now, then = presente[plural], pasado[plural]
                    where, donde = "in " + place, "en " + lugar
                    yield words(subject, base if plural else third, where), words(sujeto, now, donde)
                    yield words(subject, do, "not", base, where), words(sujeto, "no", now, donde)
                    yield words(subject, past, where), words(sujeto, then, donde)
                    yield words("did", subject, base, where) + "?", "¿" + words(then, sujeto, donde) + "?"


def its():
    """What *it* is: pairs of sentences, and of the two nouns in them."""
    def the(noun):
        return words(("el", "la")[noun[4] == "f"], noun[2])

    def because(adjective, gender, degree, grado):
        english, forms, verb = adjective
        return ("because it was " + words(degree, english),
                words("porque", ("él", "ella")[gender == "f"], BE[verb][1][0], grado, form(forms, gender, False)))

    degrees = DEGREES[1:]
    for animal in ANIMALS:
        for place in PLACES[:10]:
            start = "the " + animal[0], "the " + place[0]
            for adjectives, gender in [(OF_LIVING, animal[4]), (OF_PLACES, place[4])]:
                for adjective in adjectives:
                    for degree, grado in degrees:
                        reason, porque = because(adjective, gender, degree, grado)
                        for verb, nots in [("cross", "didn't"), ("cross", "did not"), ("visit", "didn't")]:
                            verbo = {"cross": "cruzó", "visit": "visitó"}[verb]
                            yield ((animal[0], place[0]), words(start[0], nots, verb, start[1], reason),
                                   words(the(animal), "no", verbo, the(place), porque))
    for person in PEOPLE:
        for thing in THINGS:
            for adjective in OF_THINGS:
                for degree, grado in degrees:
                    reason, porque = because(adjective, thing[4], degree, grado)
                    for verb, verbo in [("buy", "compró"), ("carry", "llevó"), ("sell", "vendió")]:
                        yield ((person[0], thing[0]), words("the", person[0], "didn't", verb, "the", thing[0], reason),
                               words(the(person), "no", verbo, the(thing), porque))
    ways = [("door", "doors", "puerta", "puertas", "f"), ("window", "windows", "ventana", "ventanas", "f"),
            ("tunnel", "tunnels", "túnel", "túneles", "m"), ("corridor", "corridors", "pasillo", "pasillos", "m")]
    for thing in THINGS:
        for way in ways:
            for adjectives, gender in [([OF_PLACES[0], OF_PLACES[1]], thing[4]),
                                       ([OF_PLACES[4], ("low", "baj", "ser")], way[4])]:
                for adjective in adjectives:
                    for degree, grado in degrees:
                        reason, porque = because(adjective, gender, degree, grado)
                        for nots in ("didn't", "did not"):
                            yield ((thing[0], way[0]),
                                   words("the", thing[0], nots, "pass through the", way[0], reason),
                                   words(the(thing), "no pasó por", the(way), porque))


def satisfactions():
    """Even though she did not win the award, she was satisfied."""
    deeds = [("win the award", "ganó el premio"), ("win the race", "ganó la carrera"), ("pass the exam", "aprobó el examen"),
             ("find the key", "encontró la llave"), ("see the king", "vio al rey"), ("get the letter", "recibió la carta"),
             ("lose the game", "perdió el partido"), ("buy the house", "compró la casa")]
    moods = [("satisfied", "satisfech"), ("happy", "content"), ("worried", "preocupad"), ("angry", "enfadad"),
             ("surprised", "sorprendid"), ("tired", "cansad")]
    for who, quien, gender in [("she", "ella", "f"), ("he", "él", "m")]:
        for deed, hecho in deeds:
            for mood, stem in moods:
                feeling = form(stem, gender, False)
                for opening, apertura in [("even though", "aunque"), ("because", "porque")]:
                    yield (opening + " " + who + " did not " + deed + ", " + who + " was " + mood,
                           apertura + " " + quien + " no " + hecho + ", estaba " + feeling)
                    yield (opening + " " + who + " did " + deed + ", " + who + " was not " + mood,
                           apertura + " " + quien + " " + hecho + ", no estaba " + feeling)
                    yield (opening + " " + who + " did " + deed + ", " + who + " was " + mood,
                           apertura + " " + quien + " " + hecho + ", estaba " + feeling)
                    yield (opening + " " + who + " did not " + deed + ", " + who + " was not " + mood,
                           apertura + " " + quien + " no " + hecho + ", no estaba " + feeling)


AWARDS = ("even though she did not win the award, she was satisfied",
          "even though she did win the award, she was not satisfied")
CAT = "this cat is very large"


def is_held_out(english):
    """What a rule holds out; of all others, a part by its SHA-256."""
    names = english.rstrip("?").replace(",", "").split()
    has_cat = "cat" in names or "cats" in names
    return has_cat and "large" in names or english in AWARDS


def sample(pairs, count):
    """So many of them, by their SHA-256."""
    return sorted(pairs, key=lambda pair: key(pair[0]))[:count]


def unique(pairs):
    known = {}
    for english, spanish in pairs:
        if known.setdefault(english, spanish) != spanish:
            raise SystemExit("two translations of: " + english)
    return list(known.items())


def corpus():
    """Training and held-out pairs."""
    training, held_out = [], []
    for pairs, most, part in [(copulas(), 3_600, 360), (actions(), 1_800, 180), (scenes(), 900, 90)]:
        pairs = unique(pairs)
        rest = [p for p in pairs if not is_held_out(p[0])]
        taken = sample(rest, most + part)
        training += taken[:most]
        held_out += taken[most:] + sample([p for p in pairs if is_held_out(p[0]) and p[0] != CAT], 20)
    held_out.append((CAT, "este gato es muy grande"))
    its_training, its_held_out = [], []
    for nouns, english, spanish in its():
        hold = nouns == ("animal", "street") or chosen(" ".join(nouns), 8)
        (its_held_out if hold else its_training).append((english, spanish))
    notes = [p for p in its_held_out if p[0].startswith("the animal didn't cross the street because it was too ")]
    training += sample(unique(its_training), 3_200)
    held_out += notes + [p for p in sample(unique(its_held_out), 300) if p not in notes]
    pairs = unique(satisfactions())
    rest = [p for p in pairs if not is_held_out(p[0])]
    training += [p for p in rest if not chosen(p[0], 10)]
    held_out += [p for p in rest if chosen(p[0], 10)] + [p for p in pairs if p[0] in AWARDS]
    training, held_out = unique(training), unique(held_out)
    seen = {english for english, _ in training}
    if any(english in seen for english, _ in held_out):
        raise SystemExit("a held-out sentence is in training")
    return sample(training, len(training)), sample(held_out, len(held_out))


def main():
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    options = argparse.ArgumentParser(description="Writes the pairs of a small English-Spanish grammar.")
    options.add_argument("--folder", default=os.path.join(home, "corpora"))
    folder = options.parse_args().folder
    for name, pairs in zip(("grammar.tsv", "grammar.valid.tsv"), corpus()):
        path = os.path.join(folder, name)
        with open(path + ".part", "w", encoding="utf-8", newline="\n") as file:
            for english, spanish in pairs:
                file.write(english + "\t" + spanish + "\n")
        os.replace(path + ".part", path)
        print("%s: %d pairs" % (path, len(pairs)))


if __name__ == "__main__":
    main()
