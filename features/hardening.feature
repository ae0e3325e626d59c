Feature: What is sent by mistake or in malice
  Broken requests of every kind get a clear answer, never an error of the Portal's own, and nothing that was stored is
  lost. Afterwards the Portal works as before.

  Background:
    Given the Portals alice and bob
    And alice and bob are peers
    And alice and bob run chat with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /public/ | public  | identity |
      | /peers/  | peer    | identity |

  @PEER-3 @PEER-15
  Scenario Outline: <what> adds no peer and loses none
    When bob's owner sends PUT /protected/peers to bob's Core
      """
      <text>
      """
    Then the answer is 400 or 422
    And bob's peers are
      | peer  | reachable |
      | alice | true      |

    Examples:
      | what                     | text                              |
      | Text                     | hello                             |
      | Half an object           | {"id": "abcdef                    |
      | A list                   | []                                |
      | An object without id     | {"name": "Somebody"}              |
      | A number for an id       | {"id": 123456}                    |
      | Nothing for an id        | {"id": null}                      |
      | A list of ids            | {"id": ["abcdef"]}                |

  @PEER-3 @PEER-15
  Scenario: A contact that breaks off in the middle is not stored
    When bob's owner breaks off in the middle of PUT /protected/peers to bob's Core
    Then bob's peers are
      | peer  | reachable |
      | alice | true      |
    When alice's chat calls bob with GET /peers/inbox
    Then it is let in as the peer alice

  @PEER-3
  Scenario: A contact as large as a book is refused
    When bob's owner sends PUT /protected/peers to bob's Core with a body of 2 MiB
    Then the answer is 400, 413 or 422
    And bob's peers are
      | peer  | reachable |
      | alice | true      |

  @ID-4
  Scenario Outline: A <method> to <path> changes nothing
    When bob's owner sends <method> <path> to bob's Core
    Then the answer is 200, 400, 401, 403, 404 or 405
    And bob's whoareyou is the same as at the beginning

    Examples:
      | method | path                                |
      | POST   | /public/meta/whoareyou              |
      | DELETE | /public/meta/whoareyou              |

  @PEER-1 @PEER-5 @PEER-15
  Scenario Outline: A <method> to <path> does nothing to the peers
    When bob's owner sends <method> <path> to bob's Core
    Then the answer is 400, 403, 404, 405, 415 or 422
    And bob's peers are
      | peer  | reachable |
      | alice | true      |

    Examples:
      | method | path                            |
      | DELETE | /protected/peers                |
      | PATCH  | /protected/peers                |
      | POST   | /protected/peers/{alice.id}     |

  @TERM-2
  Scenario Outline: A pairing with <what> gives no cookie
    When a stranger sends <method> /public/pair/terminal?code=000000 to bob's Core
      """
      <text>
      """
    Then the answer is <status>
    And the answer does not set the cookie "authorization"

    Examples:
      | what            | method | text               | status               |
      | text for a name | POST   | hello              | 400, 401, 415 or 422 |
      | no name         | POST   | {}                 | 400, 401 or 422      |
      | a number        | POST   | {"name": 5}        | 400, 401 or 422      |
      | a wrong method  | PUT    | {"name": "phone"}  | 400, 401, 404 or 405 |

  @TERM-1 @level-should
  Scenario Outline: A pairing code with the deadline <deadline> is not made
    When bob's owner sends GET /protected/terminals/pairing-code?deadline=<deadline> to bob's Core
    Then the answer is 400 or 422

    Examples:
      | deadline               |
      | soon                   |
      | -5                     |
      | 99999999999999999999   |

  @TERM-6
  Scenario Outline: Revoking <id> revokes nobody
    Given bob has paired the terminal phone
    When bob's owner sends DELETE /protected/terminals/<id> to bob's Core
    Then the answer is 204, 400, 404 or 422
    When the terminal phone sends GET /notes to bob's chat
    Then it is let in as the terminal phone

    Examples:
      | id     |
      | ______ |
      | %25    |
      | .*     |
      | nobody |

  @AUTH-13
  Scenario Outline: A request with <what> is refused before it costs anything
    When a stranger sends GET /public/page to bob's chat with <what>
    Then the answer is 400, 414 or 431
    And bob's chat received nothing
    When a stranger sends GET /public/page to bob's chat
    Then it is let in as anonymous

    Examples:
      | what                       |
      | a field of 2000 KiB        |
      | 5000 fields                |
      | a path of 2000 KiB         |

  @AUTH-13
  Scenario Outline: A request with <what> is nothing out of the ordinary
    When a stranger sends GET /public/page to bob's chat with <what>
    Then the answer is 200
    And bob's chat received 1 request

    Examples:
      | what              |
      | a field of 4 KiB  |
      | 40 fields         |
      | a path of 2 KiB   |

  @PROXY-6
  Scenario Outline: <what> instead of TLS does no harm
    When a stranger opens a connection to bob's proxy and sends <what>
    Then the connection is refused
    When a stranger sends GET /public/page to bob's chat
    Then it is let in as anonymous

    Examples:
      | what                              |
      | random bytes                      |
      | half a TLS hello and nothing more |
      | a TLS hello for another name      |
      | nothing at all                    |

  @PROXY-3
  Scenario: A body that breaks off does not pass for a whole one
    When a stranger sends POST /public/x to bob's chat and breaks off in the middle of the body
    Then bob's chat received no whole request
    When a stranger sends POST /public/x to bob's chat with the body "whole"
    Then it is let in as anonymous
    And bob's chat received the body "whole"

  @PROXY-3
  Scenario: An answer that breaks off does not pass for a whole one
    Given bob's chat breaks off in the middle of its answer
    When a stranger sends GET /public/x to bob's chat
    Then the answer breaks off, or is 502
    When bob's chat answers 200 with the body "again"
    And a stranger sends GET /public/x to bob's chat
    Then the answer's body is "again"

  @PROXY-10
  Scenario: A signed body that breaks off never reaches the app
    Given the fake Portal carol
    And bob has added carol as a peer
    And a request POST /peers/inbox to bob's chat with a body of 100 KiB
    And it is signed by carol
    When it is sent and breaks off in the middle of the body
    Then bob's chat received nothing
    When a request POST /peers/inbox to bob's chat with a body of 100 KiB
    And it is signed by carol
    And it is sent
    Then it is let in as the peer carol

  @CALL-5
  Scenario Outline: A peer that answers with <what> is a bad gateway
    Given the fake Portal carol
    And alice has added carol as a peer
    And carol answers every call with <what>
    When alice's chat calls carol with GET /peers/inbox
    Then the answer is 502 with a reason
    When alice's chat calls bob with GET /peers/inbox
    Then it is let in as the peer alice

    Examples:
      | what                      |
      | random bytes              |
      | a closed connection       |
      | a status line and no more |
      | two lengths that differ   |
      | 2000 KiB of fields        |

  @AUTH-4 @AUTH-1
  Scenario Outline: Signature fields of <what> are no error of the Portal's, on <path>
    Given a request GET <path> to bob's chat
      | field           | value   |
      | Signature-Input | <value> |
      | Signature       | <value> |
    When it is sent
    Then it is <outcome>

    Examples:
      | what            | path         | value                              | outcome             |
      | commas          | /public/page | ,,,,                               | let in as anonymous |
      | commas          | /peers/inbox | ,,,,                               | refused             |
      | brackets        | /public/page | a=((((((((((((((                   | let in as anonymous |
      | brackets        | /peers/inbox | a=((((((((((((((                   | refused             |
      | huge numbers    | /public/page | a=();created=99999999999999999999  | let in as anonymous |
      | huge numbers    | /peers/inbox | a=();created=99999999999999999999  | refused             |
      | other bytes     | /public/page | a=("é🦊")                          | let in as anonymous |
      | other bytes     | /peers/inbox | a=("é🦊")                          | refused             |
