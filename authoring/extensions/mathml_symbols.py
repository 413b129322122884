"""The signs of TeX's mathematics that `authoring.extensions.mathml` knows, by TeX's classes."""


def listed(kind: str, signs: str) -> dict[str, tuple[str, str]]:
    """From "name sign name sign": each command, or character that is its own name, with class and sign."""
    words = signs.split()
    names, drawn = words[::2], words[1::2]
    return {f"\\{n}" if n[0].isalpha() else n: (kind, sign) for n, sign in zip(names, drawn)}


def own(kind: str, signs: str) -> dict[str, tuple[str, str]]:
    """Signs that stand for themselves."""
    return {sign: (kind, sign) for sign in signs}


SYMBOLS = {
    # Greek; TeX's epsilon and phi are Unicode's lunate and straight ones
    **listed("name", "alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ"),
    **listed("name", "vartheta ϑ iota ι kappa κ lambda λ mu μ nu ν xi ξ pi π rho ρ sigma σ tau τ"),
    **listed("name", "upsilon υ phi ϕ varphi φ chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ"),
    **listed("name", "Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω ell ℓ hbar ℏ"),
    # ordinary
    **listed("name", "partial ∂"),
    **listed("sign", r"infty ∞ nabla ∇ top ⊤ bot ⊥ emptyset ∅ … …"),
    **listed(
        "ord",
        r"forall ∀ exists ∃ neg ¬ prime ′ cdots ⋯ vdots ⋮ ddots ⋱ angle ∠ degree ° / / | | \| ‖ . .",
    ),
    **listed("ord", r"\% % \$ $ \# # \& & \_ _ ? ? ! ! vert | Vert ‖"),
    **listed("ord", "@ @ ° °"),
    # operators
    **listed("sum", "sum ∑ prod ∏ coprod ∐ bigcup ⋃ bigcap ⋂ bigoplus ⨁ bigotimes ⨂ bigvee ⋁"),
    **listed("integral", "int ∫ iint ∬ oint ∮"),
    **listed("bin", "+ + - − * ∗ pm ± mp ∓ times × div ÷ cdot ⋅ ast ∗ star ⋆ circ ∘ bullet ∙"),
    **listed("bin", "oplus ⊕ otimes ⊗ odot ⊙ ominus ⊖ cup ∪ cap ∩ wedge ∧ vee ∨ land ∧ lor ∨"),
    **listed("bin", "setminus ∖ dagger †"),
    # relations
    **listed("rel", "= = < < > > : : le ≤ leq ≤ ge ≥ geq ≥ ne ≠ neq ≠ ll ≪ gg ≫ lt < gt >"),
    **listed("rel", "approx ≈ sim ∼ simeq ≃ cong ≅ equiv ≡ propto ∝ in ∈ notin ∉ ni ∋ subset ⊂"),
    **listed("rel", "subseteq ⊆ supset ⊃ supseteq ⊇ mid ∣ parallel ∥ perp ⟂ vdash ⊢ models ⊨"),
    **listed(
        "rel", "to → rightarrow → leftarrow ← gets ← leftrightarrow ↔ Rightarrow ⇒ Leftarrow ⇐"
    ),
    **listed("rel", "Leftrightarrow ⇔ iff ⟺ implies ⟹ mapsto ↦ longrightarrow ⟶ uparrow ↑"),
    **listed("rel", "downarrow ↓ coloneqq ≔"),
    # brackets and punctuation
    **listed("open", r"( ( [ [ \{ { lbrace { langle ⟨ lfloor ⌊ lceil ⌈ lvert | lVert ‖"),
    **listed("close", r") ) ] ] \} } rbrace } rangle ⟩ rfloor ⌋ rceil ⌉ rvert | rVert ‖"),
    **listed("punct", ", , ; ; colon :"),
    **listed("inner", "ldots … dots … dotsc … dotsb ⋯"),
}
FUNCTIONS = {
    name: name
    for name in (
        "arccos arcsin arctan arg cos cosh cot coth csc deg dim exp hom ker lg ln log sec sin sinh "
        "tan tanh"
    ).split()
}
LIMITS = {
    **{name: name for name in "det gcd inf lim max min sup Pr".split()},
    "limsup": "lim\N{THIN SPACE}sup",
    "liminf": "lim\N{THIN SPACE}inf",
    "argmax": "arg\N{THIN SPACE}max",
    "argmin": "arg\N{THIN SPACE}min",
}
SPACES = {
    r"\,": ".167em",
    r"\:": ".222em",
    r"\;": ".278em",
    r"\!": "-.167em",
    "\\ ": ".333em",
    "~": ".333em",
    r"\quad": "1em",
    r"\qquad": "2em",
}
DELIMITERS = {
    ".": "",
    "<": "⟨",
    ">": "⟩",
    **{
        name: sign
        for name, (kind, sign) in SYMBOLS.items()
        if kind in ("open", "close") or sign in ("|", "‖", "/", "↑", "↓")
    },
}
ALPHABETS = {
    "mathbf": "BOLD",
    "mathbb": "DOUBLE-STRUCK",
    "mathcal": "SCRIPT",
    "mathscr": "SCRIPT",
    "mathsf": "SANS-SERIF",
    "mathtt": "MONOSPACE",
    "boldsymbol": "BOLD ITALIC",
    "bm": "BOLD ITALIC",
}
# The mark, whether it grows, and where it stands.
ACCENTS = {
    "hat": ("^", "false", "mover"),
    "widehat": ("\N{COMBINING CIRCUMFLEX ACCENT}", "true", "mover"),
    "tilde": ("~", "false", "mover"),
    "widetilde": ("\N{COMBINING TILDE}", "true", "mover"),
    "bar": ("¯", "false", "mover"),
    "overline": ("‾", "true", "mover"),
    "underline": ("_", "true", "munder"),
    "vec": ("→", "false", "mover"),
    "overrightarrow": ("→", "true", "mover"),
    "dot": ("˙", "false", "mover"),
    "ddot": ("¨", "false", "mover"),
    "check": ("ˇ", "false", "mover"),
    "breve": ("˘", "false", "mover"),
}
BRACES = {"overbrace": ("⏞", "mover"), "underbrace": ("⏟", "munder")}
SIZES = {"big": "1.2em", "Big": "1.8em", "bigg": "2.4em", "Bigg": "3em"}
