Feature: The owner's contact list
  The owner adds the Portals of friends by their IDs, names them as it likes, and removes them again. Apps read the list;
  strangers don't.

  Background:
    Given the Portal bob
    And the fake Portals anna and carol
    And bob runs chat with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /public/ | public  | identity |
      | /peers/  | peer    | identity |

  @PEER-1 @PEER-2
  Scenario: A new Portal has no peers, and those that are added are listed
    Then bob has no peers
    When bob adds anna as a peer named "Anna"
    And bob adds carol as a peer named "Carol"
    Then bob's peers are
      | peer  | name  | reachable | key   |
      | anna  | Anna  | true      | known |
      | carol | Carol | true      | known |

  @PEER-1
  Scenario: The list has the agreed shape, and can be filtered by name
    Given bob has added anna as a peer named "Anna"
    And bob has added carol as a peer named "Carol"
    When bob's owner sends GET /protected/peers?name=Carol to bob's Core
    Then the answer is 200
    And the answer's JSON has
      | at                   | value                    |
      | length               | 1                        |
      | [0].id               | /^{carol.short_id}/      |
      | [0].name             | Carol                    |
      | [0].public_bytes_b64 | /^[A-Za-z0-9+/]{40,}=*$/ |
      | [0].is_reachable     | true                     |
    When bob's owner sends GET /protected/peers?name=Nobody to bob's Core
    Then the answer's JSON has
      | at     | value |
      | length | 0     |

  @PEER-2
  Scenario: A peer without a name from the owner has the name it gives itself
    Given bob has added anna as a peer
    Then bob's peers are
      | peer | name        |
      | anna | {anna.name} |

  @PEER-2
  Scenario: The owner's name for a peer wins over the peer's own, and can be changed
    Given bob has added anna as a peer named "Aunt"
    Then bob's peers are
      | peer | name |
      | anna | Aunt |
    When bob adds anna as a peer named "Auntie"
    Then bob's peers are
      | peer | name   |
      | anna | Auntie |
    When a request GET /peers/inbox to bob's chat
    And it is signed by anna
    And it is sent
    Then it is let in as the peer anna
    And bob's chat received the fields
      | field             | value  |
      | X-Ptl-Client-Name | Auntie |

  @PEER-2
  Scenario: A peer may be added by its short ID
    When bob's owner sends PUT /protected/peers to bob's Core
      """
      {"id": "{anna.short_id}", "name": "Anna"}
      """
    Then the answer is 200
    And bob's peers are
      | peer | name | reachable | key   |
      | anna | Anna | true      | known |
    When a request GET /peers/inbox to bob's chat
    And it is signed by anna
    And it is sent
    Then it is let in as the peer anna

  @PEER-3
  Scenario Outline: <id> is not an ID
    Given bob has added anna as a peer named "Anna"
    When bob's owner sends PUT /protected/peers to bob's Core
      """
      {"id": "<id>", "name": "Somebody"}
      """
    Then the answer is 422 with a reason
    And bob's peers are
      | peer | name |
      | anna | Anna |

    Examples:
      | id                        |
      |                           |
      | abcde                     |
      | {anna.short_id.upper}A    |
      | abcdei                    |
      | abcdem                    |
      | abcdeo                    |
      | abcdeu                    |
      | abc def                   |
      | ______                    |
      | %%%%%%                    |
      | ......                    |
      | abcdef.evil.example       |
      | abcdef@evil.example       |
      | abcdef/../x               |
      | abcdef\\u0000             |
      | abcdef\\r\\nX: y          |
      | äbcdef                    |

  @PEER-4
  Scenario Outline: A peer is found by <by>
    Given bob has added anna as a peer named "Anna"
    And bob has added carol as a peer named "Carol"
    When bob's owner sends GET /protected/peers/<id> to bob's Core
    Then the answer is 200
    And the answer's JSON has
      | at   | value              |
      | id   | /^{anna.short_id}/ |
      | name | Anna               |

    Examples:
      | by                  | id              |
      | its short ID        | {anna.short_id} |
      | the start of its ID | {anna.id[:12]}  |
      | its whole ID        | {anna.id}       |

  @PEER-4
  Scenario Outline: No peer is found by <by>
    Given bob has added anna as a peer named "Anna"
    When bob's owner sends GET /protected/peers/<id> to bob's Core
    Then the answer is <status>

    Examples:
      | by                    | id               | status          |
      | a stranger's ID       | {carol.id}       | 404             |
      | a stranger's short ID | {carol.short_id} | 404             |
      | too little of an ID   | {anna.id[:5]}    | 400, 404 or 422 |
      | more than the ID      | {anna.id}a       | 400, 404 or 422 |

  @PEER-5
  Scenario Outline: Exactly one peer is removed, by <by>
    Given bob has added anna as a peer named "Anna"
    And bob has added carol as a peer named "Carol"
    When bob's owner sends DELETE /protected/peers/<id> to bob's Core
    Then the answer is 204
    And bob's peers are
      | peer  | name  |
      | carol | Carol |

    Examples:
      | by           | id              |
      | its short ID | {anna.short_id} |
      | its whole ID | {anna.id}       |

  @PEER-5
  Scenario Outline: No peer is removed by <by>
    Given bob has added anna as a peer named "Anna"
    When bob's owner sends DELETE /protected/peers/<id> to bob's Core
    Then the answer is <status>
    And bob's peers are
      | peer | name |
      | anna | Anna |

    Examples:
      | by                  | id            | status               |
      | a stranger's ID     | {carol.id}    | 204 or 404           |
      | too little of an ID | {anna.id[:5]} | 204, 400, 404 or 422 |
      | more than the ID    | {anna.id}a    | 204, 400, 404 or 422 |

  @PEER-10 @PEER-4 @PEER-5
  Scenario Outline: <pattern> is nobody's ID
    Given bob has added anna as a peer named "Anna"
    And bob has added carol as a peer named "Carol"
    When bob's owner sends GET /protected/peers/<pattern> to bob's Core
    Then the answer is 400, 404 or 422
    When bob's owner sends DELETE /protected/peers/<pattern> to bob's Core
    Then the answer is 204, 400, 404 or 422
    And bob's peers are
      | peer  | name  |
      | anna  | Anna  |
      | carol | Carol |

    Examples:
      | pattern                 |
      | ______                  |
      | {anna.id[:5]}_          |
      | %25                     |
      | {anna.id[:6]}%25        |
      | .*                      |
      | ......                  |
      | {anna.id[:5]}%3F        |
      | {anna.id[:5]}*          |
      | %5Ba-z0-9%5D%2B         |
      | '%20or%20'1'='1         |

  @PEER-14
  Scenario Outline: A Portal is not its own peer, be it by <by>
    When bob's owner sends PUT /protected/peers to bob's Core
      """
      {"id": "<id>", "name": "Myself"}
      """
    Then the answer is 422
    And bob has no peers

    Examples:
      | by           | id             |
      | its whole ID | {bob.id}       |
      | its short ID | {bob.short_id} |

  @PEER-16 @PEER-1
  Scenario: An app lists the peers from inside
    Given bob has added anna as a peer named "Anna"
    When bob's chat sends GET /protected/peers to its Core
    Then the answer is 200
    And the answer's JSON has
      | at       | value              |
      | length   | 1                  |
      | [0].id   | /^{anna.short_id}/ |
      | [0].name | Anna               |

  @PEER-16
  Scenario: An app looks up one peer from inside
    Given bob has added anna as a peer named "Anna"
    When bob's chat sends GET /protected/peers/{anna.short_id} to its Core
    Then the answer is 200
    And the answer's JSON has
      | at   | value |
      | name | Anna  |

  @PEER-16
  Scenario Outline: From outside <who> can't list the peers
    Given bob has added anna as a peer named "Anna"
    When <who> sends GET /protected/peers to bob's Core
    Then the answer is <status>

    Examples:
      | who         | status |
      | a stranger  | 401    |
      | bob's owner | 200    |

  @PEER-17
  Scenario: The id that is listed is the id that apps see
    Given bob has added anna as a peer named "Anna"
    And a request GET /peers/inbox to bob's chat
    And it is signed by anna
    When it is sent
    Then bob's chat received the fields
      | field             | value             |
      | X-Ptl-Client-Id   | {bob.listed.anna} |
    When bob's chat calls "{bob.listed.anna}" with GET /hello
    Then anna received GET /hello

  @PEER-8
  Scenario: It takes both sides
    Given the Portal alice
    And alice runs chat with the paths
      | path     | access  | headers  |
      | /peers/  | peer    | identity |
      |          | public  | identity |
    And alice has added bob as a peer
    When alice's chat calls bob with GET /peers/inbox
    Then it is refused
    When alice's chat calls bob with GET /public/page
    Then it is let in as anonymous
    When bob adds alice as a peer
    And alice's chat calls bob with GET /peers/inbox
    Then it is let in as the peer alice

  @PEER-15 @needs-restart
  Scenario: The contact list survives a restart
    Given bob has added anna as a peer named "Anna"
    And bob has added carol as a peer named "Carol"
    And bob has removed the peer carol
    When bob's Core is restarted
    Then bob's peers are
      | peer | name | key   |
      | anna | Anna | known |
    When a request GET /peers/inbox to bob's chat
    And it is signed by anna
    And it is sent
    Then it is let in as the peer anna

  @PEER-15 @needs-kill
  Scenario: Nothing that was acknowledged is lost when the Core is killed while it writes
    Given bob has added anna as a peer named "Anna"
    When bob's Core is killed and started while 200 peers are being added and every third removed
    Then every change that bob's Core had acknowledged is there
    When bob adds carol as a peer named "Carol"
    And a request GET /peers/inbox to bob's chat
    And it is signed by carol
    And it is sent
    Then it is let in as the peer carol
