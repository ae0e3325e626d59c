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
