Feature: Who a Portal is
  A Portal's ID is like a phone number that can't be forged: it follows from the Portal's key, its address follows from
  the ID, and anybody may ask a Portal for all three.

  @ID-1
  Scenario: No two Portals have the same ID
    Given the Portals alice, bob, carol, dave and erin
    Then the IDs of alice, bob, carol, dave and erin all differ

  @ID-1 @ID-2
  Scenario Outline: The ID is the hash of an <kind> key
    Given the Portal alice (<kind>)
    Then alice's ID is the hash of the public key that it gives

    Examples:
      | kind           |
      | ed25519        |
      | rsa-pss-sha512 |

  @ID-3 @ID-4
  Scenario Outline: Anybody can ask a Portal with an <kind> key who it is
    Given the Portal alice (<kind>)
    When a stranger sends GET /public/meta/whoareyou to alice's Core
    Then the answer is 200
    And the answer has the fields
      | field        | value               |
      | Content-Type | /(?i)^application/json/ |
    And the answer's JSON has
      | at             | value                                                             |
      | id             | /^[abcdefghjklnpqrstvwxyz0-9]{103}$/                              |
      | domain         | {alice.domain}                                                    |
      | name           | {alice.name}                                                      |
      | description    | /.*/                                                              |
      | email          | /.*/                                                              |
      | is_default     | /^(true\|false)$/                                                 |
      | public_key_pem | /^-----BEGIN PUBLIC KEY-----\\n[^\\r]*\\n-----END PUBLIC KEY-----\\n$/ |

    Examples:
      | kind           |
      | ed25519        |
      | rsa-pss-sha512 |

  @ID-4
  Scenario: An app asks its own Portal who it is
    Given the Portal alice
    And alice runs chat with the paths
      | path     | access  | headers |
      |          | private |         |
    When alice's chat sends GET /public/meta/whoareyou to its Core
    Then the answer is 200
    And the answer's JSON has
      | at     | value          |
      | id     | {alice.id}     |
      | domain | {alice.domain} |

  @ID-3
  Scenario: A Portal is reached at the address that its ID gives
    Given the Portals alice and bob
    And bob runs chat with the paths
      | path     | access  | headers  |
      |          | public  | X-Ptl-Portal: {{ portal.short_id }} {{ portal.domain }} {{ portal.id }} |
    When a stranger sends GET / to bob's chat
    Then bob's chat received the fields
      | field        | value                                     |
      | X-Ptl-Portal | {bob.short_id} {bob.domain} {bob.id}      |
      | Host         | chat.{bob.domain}                         |

  @ID-5 @needs-logs
  Scenario Outline: Whatever a Portal with an <kind> key is asked, it keeps its private key to itself
    Given the Portals alice (<kind>) and bob
    And alice and bob are peers
    And alice and bob run chat with the paths
      | path     | access  | headers                                |
      |          | public  | X-Ptl-Key: {{ portal.public_key_pem }} |
      | /peers/  | peer    | identity                               |
    When a stranger sends GET /public/meta/whoareyou to alice's Core
    And a stranger sends GET /public/meta/whoareyou?private_key=1 to alice's Core
    And a stranger sends GET /public/no/such/thing to alice's Core
    And alice's owner sends GET /protected/peers to alice's Core
    And alice's owner sends GET /protected/apps to alice's Core
    And alice's owner sends GET /protected/terminals to alice's Core
    And alice's owner sends PUT /protected/peers to alice's Core
      """
      {"id": "{alice.id}"}
      """
    And a stranger sends GET / to alice's chat
    And alice's chat calls bob with POST /peers/inbox and the body "hello"
    And alice's chat calls "nosuchpeer" with GET /peers/inbox
    And bob's chat calls alice with GET /peers/inbox
    And alice's Core is asked GET /internal/auth
      | field            | value |
      | X-Forwarded-Host | ....  |
    Then nothing that alice's Core has said or logged holds its private key

    Examples:
      | kind           |
      | ed25519        |
      | rsa-pss-sha512 |

  @ID-6 @needs-restart
  Scenario Outline: A Portal with an <kind> key is the same after a restart
    Given the Portals alice (<kind>) and bob
    And alice and bob are peers
    And alice and bob run chat with the paths
      | path     | access  | headers  |
      |          | peer    | identity |
    When alice's Core is restarted
    Then alice's whoareyou is the same as at the beginning
    When alice's chat calls bob with GET /inbox
    Then it is let in as the peer alice

    Examples:
      | kind           |
      | ed25519        |
      | rsa-pss-sha512 |

  @ID-6 @needs-kill
  Scenario: A Portal is the same after its Core was killed
    Given the Portal alice
    When alice's Core is killed and started
    Then alice's whoareyou is the same as at the beginning
