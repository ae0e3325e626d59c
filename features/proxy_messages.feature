Feature: What passes through the proxy
  What the Core has allowed reaches the app as it was sent, and what the app answers reaches the client; a message that
  can be read in two ways, or whose body is not the one that was signed, does not pass.

  Background:
    Given the Portal bob
    And the fake Portals alice and mallory
    And bob has added alice as a peer
    And bob runs chat with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /public/ | public  | identity |
      | /peers/  | peer    | identity |

  @PROXY-3
  Scenario Outline: <method> <target> arrives as it was sent
    When a stranger sends <method> <target> to bob's chat
    Then it is let in as anonymous
    And bob's chat received <method> <target>

    Examples:
      | method  | target                             |
      | PUT     | /public/x                          |
      | DELETE  | /public/x                          |
      | REPORT  | /public/x                          |
      | GET     | /public/a%20b%2Fc%c3%A9            |
      | GET     | /public/a;b,c/@~!$&'()*+=:         |
      | GET     | /public/x?                         |
      | GET     | /public/x?q=a+b%20c%2f&&a=1&a=2&?/ |

  @PROXY-3
  Scenario: Fields and body arrive as they were sent
    When a stranger sends POST /public/x to bob's chat with the body "hello"
      | field           | value                        |
      | Content-Type    | Text/Plain; Charset=UTF-8    |
      | Authorization   | Bearer Of-The-Apps-Own       |
      | Accept-Encoding | br                           |
      | X-Twice         | One                          |
      | X-Twice         | Two                          |
    Then it is let in as anonymous
    And bob's chat received the body that was sent
    And bob's chat received the fields
      | field           | value                        |
      | Content-Type    | Text/Plain; Charset=UTF-8    |
      | Authorization   | Bearer Of-The-Apps-Own       |
      | Accept-Encoding | br                           |
      | X-Twice         | One                          |
      | X-Twice         | Two                          |

  @PROXY-3
  Scenario Outline: A <status> of the app reaches the client as it was given
    Given bob's chat answers <status> with the body "says the app"
      | field      | value |
      | Set-Cookie | a=1   |
      | Set-Cookie | b=2   |
      | X-Mixed    | CaSe  |
    When a stranger sends GET /public/x to bob's chat
    Then the answer is <status>
    And the answer's body is "says the app"
    And the answer has the fields
      | field      | value |
      | Set-Cookie | a=1   |
      | Set-Cookie | b=2   |
      | X-Mixed    | CaSe  |

    Examples:
      | status |
      | 200    |
      | 302    |
      | 401    |
      | 404    |
      | 500    |
      | 502    |

  @PROXY-3
  Scenario Outline: A large body arrives whole, over <protocol>
    Given bob's chat answers 200 with a body of 9 MiB
    When a stranger sends POST /public/x to bob's chat with a body of 9 MiB over <protocol>
    Then the answer is 200
    And bob's chat received the body that was sent
    And the answer's body is complete

    Examples:
      | protocol |
      | HTTP/1.1 |
      | HTTP/2   |

  @PROXY-3
  Scenario: An answer is passed on while it is still being made
    Given bob's chat answers in two halves, the second when the first has arrived
    When a stranger sends GET /public/events to bob's chat
    Then the answer is 200
    And the answer's body is complete

  @PROXY-3
  Scenario: A request is passed on while it is still being sent
    When a stranger sends POST /public/x to bob's chat in two halves, the second when the first has arrived
    Then the answer is 200
    And bob's chat received the body that was sent

  @PROXY-3
  Scenario: Whoever expects to be told to continue is told, by the app's leave
    When a stranger sends POST /public/x to bob's chat and waits to be told to continue
    Then it is told to continue, and the answer is 200
    And bob's chat received the body that was sent

  @PROXY-3 @ACL-3
  Scenario: Whoever is refused is not told to continue
    When a stranger sends POST /notes to bob's chat and waits to be told to continue
    Then the answers are 401
    And bob's chat received nothing

  @PROXY-3
  Scenario: A WebSocket works
    When a stranger opens a WebSocket to bob's chat at /public/socket and says "hello"
    Then the WebSocket says "hello"

  @PROXY-3 @ACL-3
  Scenario: A WebSocket to a private path is refused
    When a stranger opens a WebSocket to bob's chat at /socket and says "hello"
    Then it is refused

  @PROXY-3
  Scenario: Trailers pass both ways
    Given bob's chat answers with the body "done" and the trailer "X-Sum" of "42"
    When these bytes are sent to bob's proxy
      """
      POST /public/x HTTP/1.1
      Host: chat.{bob.domain}
      TE: trailers
      Trailer: X-Check
      Transfer-Encoding: chunked
      Connection: close, TE

      5
      hello
      0
      X-Check: 23


      """
    Then the answer is 200
    And bob's chat received the body "hello"
    And bob's chat received the trailers
      | field   | value |
      | X-Check | 23    |
    And the answer has the trailer "X-Sum" of "42"

  @ACL-6
  Scenario: A trailer is no way in for X-Ptl fields
    When these bytes are sent to bob's proxy
      """
      POST /public/x HTTP/1.1
      Host: chat.{bob.domain}
      TE: trailers
      Trailer: X-Ptl-Client-Type
      Transfer-Encoding: chunked
      Connection: close, TE

      5
      hello
      0
      X-Ptl-Client-Type: terminal


      """
    Then the answer is 200
    And bob's chat received the trailers
      | field             | value |
      | X-Ptl-Client-Type |       |

  @PROXY-4
  Scenario Outline: A message that can be read in two ways is refused: <what>
    When these bytes are sent to bob's proxy
      """
      POST /public/x HTTP/1.1
      <one>
      <two>
      Connection: close

      <body>
      """
    Then the answer is <status>
    And bob's chat received <requests> requests

    Examples:
      | what                          | one                        | two                                   | body                | status | requests |
      | lengths that differ           | Host: chat.{bob.domain}    | Content-Length: 5\\r\\nContent-Length: 3 | hello             | 400    | 0        |
      | a list of lengths             | Host: chat.{bob.domain}    | Content-Length: 5, 3                  | hello               | 400    | 0        |
      | a length and chunks           | Host: chat.{bob.domain}    | Content-Length: 5\\r\\nTransfer-Encoding: chunked | 0\\r\\n\\r\\n | 400 | 0       |
      | a signed length               | Host: chat.{bob.domain}    | Content-Length: +5                    | hello               | 400    | 0        |
      | a length that is none         | Host: chat.{bob.domain}    | Content-Length: five                  | hello               | 400    | 0        |
      | chunks not last               | Host: chat.{bob.domain}    | Transfer-Encoding: chunked, identity  | 0\\r\\n\\r\\n       | 400 or 501 | 0        |
      | a blank before the colon      | Host: chat.{bob.domain}    | Content-Length : 5                    | hello               | 400    | 0        |
      | two hosts                     | Host: chat.{bob.domain}    | Host: files.{bob.domain}              |                     | 400    | 0        |
      | one host twice                | Host: chat.{bob.domain}    | Host: chat.{bob.domain}               |                     | 400    | 0        |
      | no host                       | X-Note: 1                  | X-Note: 2                             |                     | 400    | 0        |
      | a null in a field             | Host: chat.{bob.domain}    | X-Note: a\\x00b                       |                     | 400    | 0        |
      | a bare carriage return        | Host: chat.{bob.domain}    | X-Note: a\\rX-Ptl-Admin: yes          |                     | 400    | 0        |
      | a line without colon          | Host: chat.{bob.domain}    | X-Note                                |                     | 400    | 0        |
      | a proper message              | Host: chat.{bob.domain}    | Content-Length: 5                     | hello               | 200    | 1        |
      | proper chunks                 | Host: chat.{bob.domain}    | Transfer-Encoding: chunked            | 5\\r\\nhello\\r\\n0\\r\\n\\r\\n | 200 | 1 |

  @PROXY-4
  Scenario Outline: A request line that names another host is refused: <target>
    When these bytes are sent to bob's proxy
      """
      GET <target> HTTP/1.1
      Host: chat.{bob.domain}
      Connection: close


      """
    Then the answer is <status>
    And bob's chat received <requests> requests

    Examples:
      | target                                 | status | requests |
      | https://evil.example/public/x          | 400, 404 or 421 | 0        |
      | https://files.{bob.domain}/public/x    | 400, 404 or 421 | 0        |
      | *                                      | 400    | 0        |
      | public/x                               | 400    | 0        |
      | /public/x y                            | 400    | 0        |
      | /public/x                              | 200    | 1        |

  @PROXY-4
  Scenario: A second request hidden in the first does not get in
    When these bytes are sent to bob's proxy
      """
      POST /public/x HTTP/1.1
      Host: chat.{bob.domain}
      Content-Length: 60
      Transfer-Encoding: chunked

      0

      GET /notes HTTP/1.1
      Host: chat.{bob.domain}


      """
    Then the answer is 400
    And bob's chat received nothing

  @PROXY-10
  Scenario Outline: A body that is not the one that was signed does not pass, whoever sent it: <signer>
    Given a request POST <path> to bob's chat with the body "pay 1"
    And it is signed by <signer>
    And after signing, its body becomes "<body>"
    When it is sent
    Then the answer is <status>
    And bob's chat received <requests> requests

    Examples:
      | signer  | path         | body    | status | requests |
      | alice   | /peers/inbox | pay 9   | 400    | 0        |
      | alice   | /peers/inbox | pay 1 0 | 400    | 0        |
      | alice   | /public/x    | pay 9   | 400    | 0        |
      | mallory | /public/x    | pay 9   | 400    | 0        |
      | alice   | /peers/inbox | pay 1   | 200    | 1        |
      | mallory | /public/x    | pay 1   | 200    | 1        |

  @PROXY-10
  Scenario: A signed body that was taken away does not pass
    Given a request POST /peers/inbox to bob's chat with the body "pay 1"
    And it is signed by alice
    And after signing, its body is removed
    When it is sent
    Then the answer is 400
    And bob's chat received nothing

  @PROXY-10
  Scenario Outline: Every digest that is covered has to be right: <which>
    Given a request POST /peers/inbox to bob's chat with the body "hello"
      | field          | value    |
      | Content-Digest | <digest> |
    And it is signed by alice
    When it is sent
    Then the answer is <status>
    And bob's chat received <requests> requests

    Examples:
      | which                    | digest                                                       | status | requests |
      | sha-256 right            | sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:        | 200    | 1        |
      | sha-256 wrong            | sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:        | 400    | 0        |
      | sha-512 right            | sha-512=:m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==: | 200 | 1 |
      | sha-512 wrong            | sha-512=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:        | 400    | 0        |
      | both, one of them wrong  | sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:, sha-512=:m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==: | 400 | 0 |
      | both, the other wrong    | sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:, sha-512=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=: | 400 | 0 |

  @PROXY-10
  Scenario Outline: A digest that is covered has to be right in whichever line it stands: <which>
    Given a request POST /peers/inbox to bob's chat with the body "hello"
      | field          | value    |
      | Content-Digest | <first>  |
      | Content-Digest | <second> |
    And it is signed by alice
    When it is sent
    Then the answer is <status>
    And bob's chat received <requests> requests

    Examples:
      | which            | first                                                  | second                                                 | status | requests |
      | both right       | sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=: | sha-512=:m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==: | 200 | 1 |
      | the first wrong  | sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=: | sha-512=:m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==: | 400 | 0 |
      | the second wrong | sha-512=:m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==: | sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=: | 400 | 0 |

  @PROXY-10
  Scenario: A digest that nobody signed is the app's own affair
    When a stranger sends POST /public/x to bob's chat with the body "hello"
      | field          | value                                                  |
      | Content-Digest | sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=: |
    Then it is let in as anonymous
    And bob's chat received the body "hello"

  @PROXY-10
  Scenario Outline: A signed body <size> the limit
    Given a request POST /peers/inbox to bob's chat with a body <size> the limit
    And it is signed by alice
    When it is sent
    Then the answer is <status>
    And bob's chat received <requests> requests

    Examples:
      | size | status | requests |
      | at   | 200    | 1        |
      | over | 413    | 0        |
