"""Knowledge of the API, without I/O: bytes in, values or errors out.

::

    a view, a token ──► Endpoint.page_url ──► (transport) ──► Response ──► check_status ──► PageDecoder ──► Page
                                                                │
                                                                └► rate_limit

Begin with `page`: the decoder there calls every rule for bodies. A page's body is inflated (`body`), its list of
segments is found (`shapes`), each element is judged (`element`), the next token is read (`tokens`), and what
the page tells of the whole list (`extent`); pages like the page before take the fast way (`fast_page`). `search`,
`events` and `json_answer` serve the calls around the main call. A new fact about the API is a new row in a table: a
place in `shapes` or `tokens`, a word in `soundness` or `extent`, a status in `status`, a header in `ratelimit`.
"""
