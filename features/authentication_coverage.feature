Feature: Signatures that say too little, or nothing that can be read
  A signature vouches for what it covers and for nothing else: one that leaves out the method or a part of the target
  fits other requests too. And what can't be read as a signature is none.

  Background:
    Given the Portal bob
    And the fake Portals alice, carol and mallory
    And bob has added alice as a peer
    And bob has added carol as a peer
    And bob runs chat with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /public/ | public  | identity |
      | /peers/  | peer    | identity |

  @AUTH-6
  Scenario Outline: A signature over <covering> alone counts for nothing on <path>
    Given a request GET <path>?x=1 to bob's chat
    And it is signed by alice
      | part     | value      |
      | covering | <covering> |
    When it is sent
    Then it is <outcome>

    Examples: A public path
      | path         | covering                                     | outcome             |
      | /public/page |                                              | let in as anonymous |
      | /public/page | "@method"                                    | let in as anonymous |
      | /public/page | "@target-uri"                                | let in as anonymous |
      | /public/page | "@method" "@authority" "@path"               | let in as anonymous |
      | /public/page | "@method" "@path" "@query"                   | let in as anonymous |
      | /public/page | "@method" "@authority" "@query"              | let in as anonymous |
      | /public/page | "@authority" "@path" "@query"                | let in as anonymous |

    Examples: A peer path
      | path         | covering                                     | outcome |
      | /peers/inbox |                                              | refused |
      | /peers/inbox | "@method"                                    | refused |
      | /peers/inbox | "@target-uri"                                | refused |
      | /peers/inbox | "@method" "@authority" "@path"               | refused |
      | /peers/inbox | "@method" "@path" "@query"                   | refused |
      | /peers/inbox | "@method" "@authority" "@query"              | refused |
      | /peers/inbox | "@authority" "@path" "@query"                | refused |
      | /peers/inbox | "@method" "@authority" "@path" "@query-param";name="x" | refused |
      | /peers/inbox | "@scheme" "host" "date"                      | refused |

  @AUTH-6 @AUTH-10
  Scenario Outline: A signature over <covering> is enough
    Given a request GET /peers/inbox?x=1 to bob's chat
    And it is signed by alice
      | part     | value      |
      | covering | <covering> |
    When it is sent
    Then it is let in as the peer alice

    Examples:
      | covering                                |
      | "@method" "@target-uri"                 |
      | "@method" "@authority" "@path" "@query" |

  @AUTH-6
  Scenario Outline: An empty signature that was seen once opens nothing on <path>
    Given a request GET <path> to bob's chat
      | field           | value                                              |
      | Signature-Input | sig1=();created=1790000000;keyid="{alice.short_id}" |
      | Signature       | sig1=::                                            |
    When it is sent
    Then it is <outcome>

    Examples:
      | path         | outcome             |
      | /public/page | let in as anonymous |
      | /peers/inbox | refused             |

  @AUTH-4
  Scenario Outline: Half a signature is none on <path>: without <field>
    Given a request GET <path> to bob's chat
    And it is signed by alice
    And after signing, its field "<field>" is removed
    When it is sent
    Then it is <outcome>

    Examples:
      | path         | field           | outcome             |
      | /public/page | Signature       | let in as anonymous |
      | /public/page | Signature-Input | let in as anonymous |
      | /peers/inbox | Signature       | refused             |
      | /peers/inbox | Signature-Input | refused             |

  @AUTH-4
  Scenario Outline: What can't be read as a signature is none: <how>
    Given a request GET <path> to bob's chat
      | field           | value       |
      | Signature-Input | <input>     |
      | Signature       | <signature> |
    When it is sent
    Then it is <outcome>

    Examples: A public path
      | how                    | path         | input                                           | signature       | outcome             |
      | empty fields           | /public/page |                                                 |                 | let in as anonymous |
      | no closing bracket     | /public/page | sig1=("@method" "@target-uri";created=1         | sig1=:AAAA:     | let in as anonymous |
      | not a list             | /public/page | sig1="@method";created=1                        | sig1=:AAAA:     | let in as anonymous |
      | labels that differ     | /public/page | sig1=("@method" "@target-uri");created=1        | sig2=:AAAA:     | let in as anonymous |
      | not base64             | /public/page | sig1=("@method" "@target-uri");created=1        | sig1=:!!!:      | let in as anonymous |
      | not bytes              | /public/page | sig1=("@method" "@target-uri");created=1        | sig1="AAAA"     | let in as anonymous |
      | a date for created     | /public/page | sig1=("@method" "@target-uri");created="today"  | sig1=:AAAA:     | let in as anonymous |
      | numbers as components  | /public/page | sig1=(1 2 3);created=1                          | sig1=:AAAA:     | let in as anonymous |
      | two of one name        | /public/page | sig1=("@method" "@method" "@target-uri")        | sig1=:AAAA:     | let in as anonymous |
      | an unknown component   | /public/page | sig1=("@method" "@target-uri" "@moon")          | sig1=:AAAA:     | let in as anonymous |
      | other characters       | /public/page | sïg=("@method")                                 | sïg=:AAAA:      | let in as anonymous |

    Examples: A peer path
      | how                    | path         | input                                           | signature       | outcome |
      | empty fields           | /peers/inbox |                                                 |                 | refused |
      | no closing bracket     | /peers/inbox | sig1=("@method" "@target-uri";created=1         | sig1=:AAAA:     | refused |
      | not a list             | /peers/inbox | sig1="@method";created=1                        | sig1=:AAAA:     | refused |
      | labels that differ     | /peers/inbox | sig1=("@method" "@target-uri");created=1        | sig2=:AAAA:     | refused |
      | not base64             | /peers/inbox | sig1=("@method" "@target-uri");created=1        | sig1=:!!!:      | refused |
      | not bytes              | /peers/inbox | sig1=("@method" "@target-uri");created=1        | sig1="AAAA"     | refused |
      | a date for created     | /peers/inbox | sig1=("@method" "@target-uri");created="today"  | sig1=:AAAA:     | refused |
      | numbers as components  | /peers/inbox | sig1=(1 2 3);created=1                          | sig1=:AAAA:     | refused |
      | two of one name        | /peers/inbox | sig1=("@method" "@method" "@target-uri")        | sig1=:AAAA:     | refused |
      | an unknown component   | /peers/inbox | sig1=("@method" "@target-uri" "@moon")          | sig1=:AAAA:     | refused |
      | other characters       | /peers/inbox | sïg=("@method")                                 | sïg=:AAAA:      | refused |

  @AUTH-4
  Scenario Outline: A properly made signature over <covering> is none on <path>
    Given a request GET <path> to bob's chat
      | field  | value  |
      | X-Note | please |
    And it is signed by alice
      | part     | value      |
      | covering | <covering> |
    When it is sent
    Then it is <outcome>

    Examples:
      | path         | covering                                      | outcome                  |
      | /public/page | "@method" "@target-uri" "@method"             | let in as anonymous      |
      | /public/page | "@method" "@target-uri" "x-missing"           | let in as anonymous      |
      | /peers/inbox | "@method" "@target-uri" "@method"             | refused                  |
      | /peers/inbox | "@method" "@target-uri" "x-missing"           | refused                  |
      | /peers/inbox | "@method" "@target-uri" "X-Note"              | refused                  |
      | /peers/inbox | "@method" "@target-uri" "@signature-params"   | refused                  |
      | /peers/inbox | "@method" "@target-uri" "@status"             | refused                  |
      | /peers/inbox | "@method" "@target-uri" "x-note";unknown      | refused                  |
      | /peers/inbox | "@method" "@target-uri" "x-note";req          | refused                  |
      | /peers/inbox | "@method" "@target-uri" "x-note"              | let in as the peer alice |

  @AUTH-4
  Scenario Outline: A label that stands twice is none on <path>
    Given a request GET <path> to bob's chat
    And it is signed by alice
    And after signing, the field "Signature-Input" with "sig1=()" is added
    When it is sent
    Then it is <outcome>

    Examples:
      | path         | outcome             |
      | /public/page | let in as anonymous |
      | /peers/inbox | refused             |

  @AUTH-4
  Scenario Outline: A label that stands twice is none on <path>, whichever of the two is good
    Given a request GET <path> to bob's chat
      | field   | value       |
      | <field> | <the other> |
    And it is signed by alice
    When it is sent
    Then it is <outcome>

    Examples:
      | path         | field           | the other   | outcome             |
      | /public/page | Signature-Input | sig1=()     | let in as anonymous |
      | /peers/inbox | Signature-Input | sig1=()     | refused             |
      | /public/page | Signature       | sig1=:AAAA: | let in as anonymous |
      | /peers/inbox | Signature       | sig1=:AAAA: | refused             |
