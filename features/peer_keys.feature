Feature: The keys of peers
  All that the owner enters is an ID. The Core asks the peer for its key, believes it only if key and ID belong together,
  and then holds on to it: whoever takes over an address does not become the peer.

  Background:
    Given the Portal bob
    And the fake Portals carol and mallory
    And bob runs chat with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /public/ | public  | identity |
      | /peers/  | peer    | identity |

  @PEER-6
  Scenario: A peer that tells the truth is known by its key
    When bob's owner sends PUT /protected/peers to bob's Core
      """
      {"id": "{carol.short_id}", "name": "Carol"}
      """
    Then the answer is 200
    And bob's peers are
      | peer  | name  | reachable | key   |
      | carol | Carol | true      | known |

  @PEER-6
  Scenario Outline: A peer whose whoareyou gives <what> gets no key, on <path>
    Given carol's whoareyou says
      | at             | value |
      | id             | <id>  |
      | public_key_pem | <pem> |
    When bob's owner sends PUT /protected/peers to bob's Core
      """
      {"id": "{carol.short_id}", "name": "Carol"}
      """
    Then the answer is 200
    And bob's peers are
      | peer  | name  | reachable | key     |
      | carol | Carol | false     | unknown |
    When a request GET <path> to bob's chat
    And it is signed by <signer>
      | part  | value            |
      | keyid | {carol.short_id} |
    And it is sent
    Then it is <outcome>

    Examples:
      | what                           | path         | signer  | id           | pem                      | outcome             |
      | another Portal's ID and key    | /peers/inbox | mallory | {mallory.id} | {mallory.public_key_pem} | refused             |
      | another Portal's ID and key    | /public/page | mallory | {mallory.id} | {mallory.public_key_pem} | let in as anonymous |
      | another Portal's key           | /peers/inbox | mallory | {carol.id}   | {mallory.public_key_pem} | refused             |
      | another Portal's key           | /public/page | mallory | {carol.id}   | {mallory.public_key_pem} | let in as anonymous |
      | an ID that only begins alike   | /peers/inbox | carol   | {carol.short_id}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | {carol.public_key_pem} | refused |
      | another Portal's ID            | /peers/inbox | carol   | {mallory.id} | {carol.public_key_pem}   | refused             |
      | the short ID only              | /peers/inbox | mallory | {carol.short_id} | {mallory.public_key_pem} | refused         |
      | no key at all                  | /peers/inbox | carol   | {carol.id}   |                          | refused             |
      | a broken key                   | /peers/inbox | carol   | {carol.id}   | -----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n | refused |

  @PEER-6
  Scenario Outline: A peer that <does> when asked who it is, is stored without key
    Given asked who it is, carol <does>
    When bob's owner sends PUT /protected/peers to bob's Core
      """
      {"id": "{carol.id}", "name": "Carol"}
      """
    Then the answer is 200
    And bob's peers are
      | peer  | name  | reachable | key     |
      | carol | Carol | false     | unknown |
    And mallory received nothing

    Examples:
      | does                  |
      | sends no JSON        |
      | sends nothing        |
      | sends without end    |
      | answers with 500     |
      | is silent            |
      | redirects to mallory |

  @PEER-6
  Scenario: A lie about one peer does no harm to another
    Given bob has added mallory as a peer
    And carol's whoareyou says
      | at             | value                    |
      | id             | {mallory.id}             |
      | public_key_pem | {mallory.public_key_pem} |
    And bob has added carol as a peer named "Carol"
    When a request GET /peers/inbox to bob's chat
    And it is signed by mallory
    And it is sent
    Then it is let in as the peer mallory

  @PEER-7
  Scenario: A peer that is away is stored, and known once it is back
    Given carol is away
    And bob has added carol as a peer named "Carol"
    Then bob's peers are
      | peer  | name  | reachable | key     |
      | carol | Carol | false     | unknown |
    When carol comes back
    And a request GET /peers/inbox to bob's chat
    And it is signed by carol
    And it is sent, and signed and sent anew 60 seconds later if it was refused
    Then it is let in as the peer carol
    And bob's peers are
      | peer  | name  | reachable | key   |
      | carol | Carol | true      | known |

  @PEER-7 @PEER-6
  Scenario Outline: While a peer is away, nobody can speak for it on <path>
    Given carol is away
    And bob has added carol as a peer named "Carol"
    When a request GET <path> to bob's chat
    And it is signed by mallory
      | part  | value            |
      | keyid | {carol.short_id} |
    And it is sent
    Then it is <outcome>

    Examples:
      | path         | outcome             |
      | /public/page | let in as anonymous |
      | /peers/inbox | refused             |

  @PEER-7
  Scenario: A known peer that is away keeps its key
    Given bob has added carol as a peer named "Carol"
    And carol is away
    When a request GET /peers/inbox to bob's chat
    And it is signed by carol
    And it is sent
    Then it is let in as the peer carol

  @PEER-11
  Scenario Outline: Whoever takes over an address does not become the peer on <path>
    Given the fake Portals dora and dana with the same short ID
    And bob has added dora as a peer named "Dora"
    And dana takes over dora's address
    When bob adds dora as a peer named "Dora"
    And a request GET <path> to bob's chat
    And it is signed by dana
    And it is sent
    Then it is <outcome>
    When a request GET <path> to bob's chat
    And it is signed by dora
    And it is sent
    Then it is let in as the peer dora

    Examples:
      | path         | outcome             |
      | /public/page | let in as anonymous |
      | /peers/inbox | refused             |

  @PEER-11
  Scenario: Nor if the owner knows the peer by its short ID only
    Given the fake Portals dora and dana with the same short ID
    When bob's owner sends PUT /protected/peers to bob's Core
      """
      {"id": "{dora.short_id}", "name": "Dora"}
      """
    Then bob's peers are
      | peer | name | key   |
      | dora | Dora | known |
    When dana takes over dora's address
    And bob's owner sends PUT /protected/peers to bob's Core
      """
      {"id": "{dora.short_id}", "name": "Dora again"}
      """
    And a request GET /peers/inbox to bob's chat
    And it is signed by dana
    And it is sent
    Then it is refused
    When a request GET /peers/inbox to bob's chat
    And it is signed by dora
    And it is sent
    Then it is let in as the peer dora

  @PEER-12
  Scenario Outline: Two peers with one short ID are told apart, whoever was added first: <first>
    Given the fake Portals dora and dana with the same short ID
    And <first> takes over <second>'s address
    And bob has added <first> as a peer named "First"
    And <second> takes over <first>'s address
    And bob has added <second> as a peer named "Second"
    When a request GET /peers/inbox to bob's chat
    And it is signed by dora
    And it is sent
    Then it is let in as the peer dora
    When a request GET /peers/inbox to bob's chat
    And it is signed by dana
    And it is sent
    Then it is let in as the peer dana

    Examples:
      | first | second |
      | dora  | dana   |
      | dana  | dora   |

  @PEER-12 @PEER-4 @PEER-5
  Scenario: A short ID that two peers share finds neither and removes neither
    Given the fake Portals dora and dana with the same short ID
    And bob has added dora as a peer named "Dora"
    And dana takes over dora's address
    And bob has added dana as a peer named "Dana"
    When bob's owner sends GET /protected/peers/{dora.short_id} to bob's Core
    Then the answer is 409
    When bob's owner sends DELETE /protected/peers/{dora.short_id} to bob's Core
    Then the answer is 409
    And bob's peers are
      | peer | name |
      | dora | Dora |
      | dana | Dana |
    When bob's owner sends DELETE /protected/peers/{dora.id} to bob's Core
    Then the answer is 204
    And bob's peers are
      | peer | name |
      | dana | Dana |

  @PEER-13
  Scenario Outline: A given name is only a name: <name>
    When bob's owner sends PUT /protected/peers to bob's Core
      """
      {"id": "{carol.id}", "name": "<name>"}
      """
    Then the answer is <status>
    When bob's owner sends GET /protected/peers to bob's Core
    Then the answer is 200
    When bob adds carol as a peer
    And a request GET /peers/inbox to bob's chat
    And it is signed by carol
    And it is sent
    Then it is let in as the peer carol
    And bob's chat received none of the fields
      | field       |
      | X-Ptl-Admin |

    Examples:
      | name                              | status     |
      | Al\\r\\nX-Ptl-Admin: yes          | 200 or 422 |
      | Al\\nX-Ptl-Admin: yes             | 200 or 422 |
      | Al\\u0000                         | 200 or 422 |
      | Ålice 🦊                          | 200        |
      | \\"; X-Ptl-Admin: yes             | 200        |
      | {% include '/etc/passwd' %}       | 200        |
      | %0d%0aX-Ptl-Admin:%20yes          | 200        |

  @PEER-13
  Scenario Outline: A peer's own name is only a name: <name>
    Given carol's whoareyou says
      | at   | value  |
      | name | <name> |
    And bob has added carol as a peer
    And a request GET /peers/inbox to bob's chat
    And it is signed by carol
    When it is sent
    Then it is let in as the peer carol
    And bob's chat received none of the fields
      | field       |
      | X-Ptl-Admin |

    Examples:
      | name                        |
      | Al\nX-Ptl-Admin: yes        |
      | Ålice 🦊                    |
      | {% for x in y %}            |
      |                             |

  @PEER-13
  Scenario: Template text in a peer's own name stays text
    Given carol's whoareyou says
      | at   | value         |
      | name | {{ 7*7 }} own |
    And bob has added carol as a peer
    And a request GET /peers/inbox to bob's chat
    And it is signed by carol
    When it is sent
    Then bob's chat received the fields
      | field             | value         |
      | X-Ptl-Client-Name | {{ 7*7 }} own |

  @PEER-13
  Scenario: Template text in a given name stays text
    Given bob has added carol as a peer named "{{ 7*7 }} given"
    And a request GET /peers/inbox to bob's chat
    And it is signed by carol
    When it is sent
    Then bob's chat received the fields
      | field             | value           |
      | X-Ptl-Client-Name | {{ 7*7 }} given |
