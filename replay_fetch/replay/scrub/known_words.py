"""Words that are structure on every page: states, kinds, units, keywords of style sheets, fonts of systems.

A listed word is the same on all sites and tells nothing of a person. Every other word is masked or left out in places
that could hold any text.
"""

from __future__ import annotations

_STATES_AND_KINDS = """
active alert alertdialog all allow application article ascending assertive async auto banner baseline bevel block
bold bolder both bottom butt button cell center checkbox checked close closed col colgroup collapsed color
columnheader combobox complementary complete completed contentinfo contents crispEdges dark date datetime-local
default definition descending dialog directory disabled document down eager email enabled end error evenodd expanded
false feed figure file first flex form geometricPrecision grid gridcell group hard heading hidden hide horizontal
icon idle image img inactive indeterminate info inherit initial inline inline-block italic justify large last lazy
left lg light lighter link list listbox listitem loaded loading location log ltr main manual marquee mask
mask-unless-allowlisted mask-user-input math md medium menu menubar menuitem menuitemcheckbox menuitemradio metadata
middle miter mixed month multiple navigation next no none nonzero normal note nowrap number objectBoundingBox
oblique off on open optimizeLegibility option other pad page password pending polite pre presentation prev primary
progressbar radio radiogroup range reflect region repeat reset right round row rowgroup rowheader rtl scrollbar
search searchbox secondary selected separator show shown single slider sm small soft spinbutton square start status
step stretch stylesheet submit success switch sync system tab table tablist tabpanel tel term text textbox time
timer toolbar tooltip top tree treegrid treeitem true unchecked unset up url userSpaceOnUse vertical visible warning
week xl xs yes
"""
_UNITS_AND_GEOMETRY = """
auto ch cm deg dvh em ex fr in lvh matrix meet mm ms none pc pt px rad rem rotate s scale skewX skewY slice svh
translate turn vh vmax vmin vw xMaxYMax xMaxYMid xMaxYMin xMidYMax xMidYMid xMidYMin xMinYMax xMinYMid xMinYMin
"""
_KEYWORDS = """
aliceblue antiquewhite aqua aquamarine arial at azure beige bisque black blanchedalmond blue blueviolet border-box
brown burlywood cadetblue capitalize chartreuse chocolate circle closest-side contain content-box coral
cornflowerblue cornsilk cover crimson currentcolor cursive cyan darkblue darkcyan darkgoldenrod darkgray darkgreen
darkgrey darkkhaki darkmagenta darkolivegreen darkorange darkorchid darkred darksalmon darkseagreen darkslateblue
darkslategray darkslategrey darkturquoise darkviolet dashed deeppink deepskyblue dimgray dimgrey dodgerblue dotted
double ease ease-in ease-in-out ease-out ellipse fantasy farthest-corner firebrick floralwhite forestgreen from
fuchsia gainsboro georgia ghostwhite gold goldenrod gray green greenyellow grey groove helvetica honeydew hotpink
hsl hue important in indianred indigo inset inter ivory khaki lavender lavenderblush lawngreen lemonchiffon
lightblue lightcoral lightcyan lightgoldenrodyellow lightgray lightgreen lightgrey lightpink lightsalmon
lightseagreen lightskyblue lightslategray lightslategrey lightsteelblue lightyellow lime limegreen linear linen
longer lowercase magenta maroon mediumaquamarine mediumblue mediumorchid mediumpurple mediumseagreen mediumslateblue
mediumspringgreen mediumturquoise mediumvioletred midnightblue mintcream mistyrose moccasin monospace navajowhite
navy oklab oklch oldlace olive olivedrab orange orangered orchid outset padding-box palegoldenrod palegreen
paleturquoise palevioletred papayawhip peachpuff peru pink plum powderblue purple rebeccapurple red revert ridge
roboto rosybrown royalblue saddlebrown salmon sandybrown sans sans-serif seagreen seashell serif shorter sienna
silver skyblue slateblue slategray slategrey snow solid springgreen srgb steelblue system-ui tan teal thick thin
thistle times to tomato transparent turquoise ui-monospace ui-sans-serif ui-serif underline uppercase verdana violet
wheat white whitesmoke yellow yellowgreen
"""
_FONTS = """
apple color emoji, arial, cantarell, cascadia code, consolas, courier, courier new, dejavu sans, dejavu sans mono,
droid sans, fira code, fira sans, georgia, helvetica, helvetica neue, inter, jetbrains mono, lato, liberation mono,
liberation sans, lucida console, lucida grande, menlo, monaco, montserrat, noto color emoji, noto sans, noto serif,
open sans, oxygen, poppins, roboto, segoe ui, segoe ui emoji, segoe ui symbol, sf mono, sf pro display, sf pro text,
source code pro, source sans pro, tahoma, times, times new roman, trebuchet ms, ubuntu, verdana
"""

_ELEMENTS = """
a abbr acronym address applet area article aside audio b base basefont bdi bdo bgsound big blink blockquote body br
button canvas caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em embed
fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img
input ins kbd label legend li link listing main map mark marquee menu menuitem meta meter nav nobr noembed noframes
noscript object ol optgroup option output p param picture plaintext pre progress q rb rp rt rtc ruby s samp script
search section select selectedcontent slot small source spacer span strike strong style sub summary sup table tbody td
template textarea tfoot th thead time title tr track tt u ul var video wbr xmp
animate animatemotion animatetransform circle clippath defs desc ellipse feblend fecolormatrix fecomponenttransfer
fecomposite feconvolvematrix fediffuselighting fedisplacementmap fedistantlight fedropshadow feflood fefunca fefuncb
fefuncg fefuncr fegaussianblur feimage femerge femergenode femorphology feoffset fepointlight fespecularlighting
fespotlight fetile feturbulence filter foreignobject g image line lineargradient marker mask metadata mpath path pattern
polygon polyline radialgradient rect set stop svg switch symbol text textpath tspan use view
math maction menclose merror mfenced mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms
mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover semantics annotation annotation-xml
"""

ELEMENTS = frozenset(_ELEMENTS.split())
"""Names of elements in lower case: HTML, old ones too, SVG and MathML."""

WORDS = frozenset(_STATES_AND_KINDS.split())
"""Values of attributes, in markup and in selectors: states, input types, roles, what drawings are told."""

GEOMETRY_WORDS = frozenset(_UNITS_AND_GEOMETRY.split())
"""What may stand among figures: units, the functions of a transform, how a drawing is fitted."""

STYLE_WORDS = WORDS | frozenset(_KEYWORDS.split())
"""What a variable of a style sheet may hold beside figures; all other places of a sheet take keywords alone."""

FONTS = frozenset(" ".join(font.split()) for font in _FONTS.split(","))
"""Names of fonts in lower case: those that come with systems decide how wide a line is."""
