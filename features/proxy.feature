Feature: The proxy at the door
  The proxy is all that the outside sees of a Portal. It finds the right app, asks the Core about every request, and
  lets nothing in when it can't ask.

  Background:
    Given the Portals alice and bob
    And bob runs chat with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /public/ | public  | identity |
      | /peers/  | peer    | identity |
    And bob runs files with the paths
      | path     | access  | headers  |
      |          | public  | identity |

  @PROXY-1
  Scenario Outline: The host leads to the app: <app>
    When a stranger sends GET /public/page to bob's <app>
    Then it is let in as anonymous
    And bob's <app> received GET /public/page
    And bob's <other> received nothing

    Examples:
      | app   | other |
      | chat  | files |
      | files | chat  |

  @PROXY-1 @level-should
  Scenario Outline: Capitals in the host make no difference, to <host>
    When a stranger sends GET /public/page to bob's chat
      | field | value  |
      | Host  | <host> |
    Then it is let in as anonymous

    Examples:
      | host                    |
      | CHAT.{bob.domain}       |
      | chat.{bob.domain.upper} |

  @PROXY-1
  Scenario Outline: <who> asks for <path> of the Core
    When <who> sends GET <path> to bob's proxy
    Then the answer is <status>

    Examples:
      | who         | path                              | status             |
      | a stranger  | /core/public/meta/whoareyou       | 200                |
      | bob's owner | /core/public/meta/whoareyou       | 200                |
      | a stranger  | /core/protected/peers             | 401                |
      | bob's owner | /core/protected/peers             | 200                |
      | a stranger  | /core/protected/apps              | 401                |
      | a stranger  | /core/internal/auth               | 401, 403 or 404    |
      | bob's owner | /core/internal/auth               | 401, 403 or 404    |
      | bob's owner | /core/internal/authenticate_terminal | 401, 403 or 404 |
      | bob's owner | /core/internal/call_peer/{alice.short_id}/x | 401, 403 or 404 |
      | a stranger  | /internal/auth                    | 401, 403 or 404    |
      | a stranger  | /protected/peers                  | 401, 403 or 404    |

  @PROXY-1
  Scenario Outline: No detour leads to what is closed: <path>
    When a stranger sends GET <path> to bob's proxy
      | field              | value             |
      | X-Forwarded-Method | GET               |
      | X-Forwarded-Proto  | https             |
      | X-Forwarded-Host   | chat.{bob.domain} |
      | X-Forwarded-Uri    | /public/page      |
      | X-Forwarded-For    | 192.0.2.1         |
    Then the answer is 400, 401, 403 or 404

    Examples:
      | path                                        |
      | /core/public/../protected/peers             |
      | /core/public/%2e%2e/protected/peers         |
      | /core/public/..%2fprotected/peers           |
      | /core/public/../internal/auth               |
      | /core/public/%2e%2e/internal/auth           |
      | /core//internal/auth                        |
      | //core/internal/auth                        |
      | /core/./internal/auth                       |
      | /core/%69nternal/auth                       |
      | /CORE/internal/auth                         |
      | /core/protected/../internal/auth            |

  @PROXY-1
  Scenario Outline: The host <host> is not this Portal's
    When a stranger sends GET /public/page to bob's chat
      | field | value  |
      | Host  | <host> |
    Then the answer is 400, 404 or 421
    And bob's chat received nothing

    Examples:
      | host                           |
      | evil.example                   |
      | chat.{alice.domain}            |
      | chat.{bob.domain}.evil.example |
      | xchat{bob.domain}              |

  @PROXY-2
  Scenario Outline: Before a <method> the proxy asks its Core, once
    When a stranger sends <method> /public/page?x=1 to bob's chat
    Then it is let in as anonymous
    And the hops are
      | from      | to        | what                     |
      | outside   | bob proxy | <method> /public/page?x=1 |
      | bob proxy | bob core  | GET /internal/auth       |
      | bob core  | bob proxy | 200                      |
      | bob proxy | bob chat  | <method> /public/page?x=1 |
      | bob chat  | bob proxy | 200                      |
      | bob proxy | outside   | 200                      |

    Examples:
      | method  |
      | GET     |
      | POST    |
      | OPTIONS |

  @PROXY-2 @ACL-3
  Scenario: Every request on a connection is authorized, not only the first
    When these bytes are sent to bob's proxy
      """
      GET /public/one HTTP/1.1
      Host: chat.{bob.domain}

      GET /notes HTTP/1.1
      Host: chat.{bob.domain}

      GET /public/two HTTP/1.1
      Host: chat.{bob.domain}
      Connection: close


      """
    Then the answers are 200, 401, 200
    And bob's chat received 2 requests

  @PROXY-2 @ACL-3
  Scenario: A connection that was opened for one app does not lead into another
    When these bytes are sent to bob's proxy
      """
      GET /notes HTTP/1.1
      Host: files.{bob.domain}

      GET /notes HTTP/1.1
      Host: chat.{bob.domain}
      Connection: close


      """
    Then the answers are 200, 401
    And bob's chat received nothing
    And bob's files received GET /notes

  @PROXY-2
  Scenario Outline: Over <protocol> a request is authorized too
    When a stranger sends GET <path> to bob's chat over <protocol>
    Then it is <outcome>

    Examples:
      | protocol | path         | outcome             |
      | HTTP/1.1 | /public/page | let in as anonymous |
      | HTTP/1.1 | /notes       | refused             |
      | HTTP/2   | /public/page | let in as anonymous |
      | HTTP/2   | /notes       | refused             |

  @PROXY-5
  Scenario Outline: While the Core is down nobody gets in to <path>
    Given bob has paired the terminal phone
    And bob's Core is stopped
    When <who> sends GET <path> to bob's chat
    Then the answer is 502 or 503
    And bob's chat received nothing
    When bob's Core is started
    And <who> sends GET <path> to bob's chat
    Then it is let in as <client>

    Examples:
      | who                | path         | client             |
      | a stranger         | /public/page | anonymous          |
      | the terminal phone | /notes       | the terminal phone |
      | the terminal phone | /public/page | the terminal phone |

  @PROXY-5 @PROXY-1
  Scenario: While the Core is down its own pages are too
    Given bob has paired the terminal phone
    And bob's Core is stopped
    When the terminal phone sends GET /protected/peers to bob's Core
    Then the answer is 502 or 503

  @PROXY-6
  Scenario Outline: <version> is <outcome>
    When a stranger connects to bob's proxy with <version>
    Then the connection is <outcome>

    Examples:
      | version | outcome |
      | TLS 1.3 | made    |
      | TLS 1.2 | made    |
      | TLS 1.1 | refused |
      | TLS 1.0 | refused |

  @PROXY-6
  Scenario Outline: Plain HTTP is not served, at the <port>
    When a stranger sends GET /public/page to bob's chat in plain HTTP at the <port>
    Then it is redirected to https or refused
    And bob's chat received nothing
    When a stranger sends GET /public/page to bob's chat
    Then it is let in as anonymous

    Examples:
      | port          |
      | port for HTTP |
      | port for TLS  |

  @PROXY-3
  Scenario: Cookies beside the owner's pass
    Given bob has paired the terminal phone
    When a stranger sends GET /notes to bob's chat
      | field  | value                                                    |
      | Cookie | theme=dark; authorization={phone.cookie}; lang=de        |
    Then it is let in as the terminal phone
    And bob's chat received the fields
      | field  | value                                              |
      | Cookie | /^theme=dark; (authorization=[^;]+; )?lang=de$/    |

  @PROXY-7
  Scenario: The owner's cookie stays with the proxy
    Given bob has paired the terminal phone
    When a stranger sends GET /notes to bob's chat
      | field  | value                                                    |
      | Cookie | theme=dark; authorization={phone.cookie}; lang=de        |
    Then it is let in as the terminal phone
    And bob's chat received the fields
      | field  | value                |
      | Cookie | theme=dark; lang=de  |

  @PROXY-7
  Scenario Outline: The cookie does not pass in other spellings either: <cookie>
    Given bob has paired the terminal phone
    When a stranger sends GET /public/page to bob's chat
      | field  | value    |
      | Cookie | <cookie> |
    Then the answer is 200
    And the cookie of the terminal phone did not reach bob's chat

    Examples:
      | cookie                                                        |
      | authorization={phone.cookie}                                  |
      | a=1;authorization={phone.cookie};b=2                          |
      | authorization="{phone.cookie}"                                |
      | authorization=x; authorization={phone.cookie}                 |
      | authorization={phone.cookie}; authorization={phone.cookie}    |

  @PROXY-8
  Scenario Outline: A client can't say where it comes from or what it asks for: <field>
    When a stranger sends GET <path> to bob's chat
      | field   | value   |
      | <field> | <value> |
    Then it is <outcome>

    Examples:
      | path         | field                  | value                | outcome             |
      | /notes       | X-Forwarded-Uri        | /public/page         | refused             |
      | /notes       | X-Forwarded-Host       | files.{bob.domain}   | refused             |
      | /notes       | X-Forwarded-Prefix     | /public              | refused             |
      | /notes       | X-Original-Uri         | /public/page         | refused             |
      | /public/page | X-Forwarded-Uri        | /notes               | let in as anonymous |
      | /public/page | X-Forwarded-Host       | evil.example         | let in as anonymous |
      | /public/page | X-Forwarded-Method     |                      | let in as anonymous |

  @PROXY-8
  Scenario: What a client says about its way does not reach the app
    When a stranger sends GET /public/page to bob's chat
      | field              | value                              |
      | X-Forwarded-For    | 203.0.113.66                       |
      | X-Forwarded-Proto  | http                               |
      | X-Forwarded-Host   | evil.example                       |
      | X-Forwarded-Server | evil.example                       |
      | Forwarded          | for=203.0.113.66;host=evil.example |
      | X-Note             | stays                              |
    Then it is let in as anonymous
    And bob's chat received the fields
      | field              | value                        |
      | X-Forwarded-For    | /^(127\\.0\\.0\\.1\|::1)$/    |
      | X-Forwarded-Proto  | https                        |
      | X-Forwarded-Host   | chat.{bob.domain}            |
      | X-Forwarded-Server |                              |
      | Forwarded          |                              |
      | X-Note             | stays                        |

  @PROXY-9
  Scenario Outline: The app sees its public host in <who>'s request
    Given alice and bob are peers
    And alice runs chat with the paths
      | path     | access  | headers |
      |          | private |         |
    When <request>
    Then bob's chat received the fields
      | field | value             |
      | Host  | chat.{bob.domain} |

    Examples:
      | who        | request                                          |
      | a stranger | a stranger sends GET /public/page to bob's chat  |
      | a peer     | alice's chat calls bob with GET /public/page     |
