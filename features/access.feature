Feature: Access control
  An app says in its app.json who may open which of its paths: anyone, the owner's own devices, or the same app
  on the Portals of friends. The Portal keeps to it before the app sees anything, and tells the app who is there.

  Background:
    Given the Portals alice and bob
    And alice and bob are peers
    And alice and bob run chat with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /public/ | public  | identity |
      | /peers/  | peer    | identity |

  @ACL-2 @ACL-3
  Scenario Outline: A stranger on a <access> path
    When a stranger sends GET <path> to bob's chat
    Then it is <outcome>

    Examples:
      | access  | path          | outcome             |
      | public  | /public/page  | let in as anonymous |
      | private | /notes        | refused             |
      | peer    | /peers/inbox  | refused             |

  @ACL-2 @ACL-3
  Scenario Outline: The owner on a <access> path
    When bob's owner sends GET <path> to bob's chat
    Then it is <outcome>

    Examples:
      | access  | path          | outcome             |
      | public  | /public/page  | let in as the owner |
      | private | /notes        | let in as the owner |
      | peer    | /peers/inbox  | refused             |

  @ACL-2 @ACL-3
  Scenario Outline: A peer on a <access> path
    When alice's chat calls bob with GET <path>
    Then it is <outcome>

    Examples:
      | access  | path          | outcome                  |
      | public  | /public/page  | let in as the peer alice |
      | private | /notes        | refused                  |
      | peer    | /peers/inbox  | let in as the peer alice |

  @ACL-3
  Scenario Outline: What is refused is refused with every method
    When a stranger sends <method> <path> to bob's chat
    Then it is <outcome>

    Examples:
      | method  | path         | outcome             |
      | POST    | /notes       | refused             |
      | PUT     | /notes       | refused             |
      | DELETE  | /peers/inbox | refused             |
      | OPTIONS | /notes       | refused             |
      | POST    | /public/page | let in as anonymous |
      | OPTIONS | /public/page | let in as anonymous |

  @ACL-1
  Scenario Outline: The longest prefix decides about <path>
    Given bob runs nested with the paths
      | path    | access  | headers  |
      |         | public  | identity |
      | /a/     | private | identity |
      | /a/b/   | public  | identity |
      | /a/b/c  | private | identity |
    When a stranger sends GET <path> to bob's nested
    Then it is <outcome>

    Examples:
      | path         | outcome             |
      | /            | let in as anonymous |
      | /a           | let in as anonymous |
      | /a/          | refused             |
      | /a/x         | refused             |
      | /a/b         | refused             |
      | /a/b/        | let in as anonymous |
      | /a/b/x       | let in as anonymous |
      | /a/b/c       | refused             |
      | /a/b/cde     | refused             |
      | /A/x         | let in as anonymous |
      | /x/a/        | let in as anonymous |

  @ACL-1
  Scenario Outline: The order in app.json does not matter for <path>
    Given bob runs nested with the paths
      | path    | access  | headers  |
      | /a/b/c  | private | identity |
      | /a/b/   | public  | identity |
      | /a/     | private | identity |
      |         | public  | identity |
    When a stranger sends GET <path> to bob's nested
    Then it is <outcome>

    Examples:
      | path     | outcome             |
      | /x       | let in as anonymous |
      | /a/x     | refused             |
      | /a/b/x   | let in as anonymous |
      | /a/b/c   | refused             |

  @ACL-1
  Scenario Outline: The query takes no part: <target>
    When a stranger sends GET <target> to bob's chat
    Then it is <outcome>

    Examples:
      | target                   | outcome             |
      | /notes?next=/public/     | refused             |
      | /?/public/page           | refused             |
      | /public/page?next=/notes | let in as anonymous |
      | /public/?/../notes       | let in as anonymous |

  @ACL-4
  Scenario: The headers of the matched prefix reach the app, and no others
    Given bob runs gallery with the paths
      | path     | access  | headers                                                                   |
      |          | private | X-Ptl-Zone: private; X-Ptl-User: {{ auth.client_name }}                   |
      | /shared/ | public  | X-Ptl-Zone: shared; X-Ptl-Who: {{ auth.client_type }} of {{ portal.short_id }} |
    When a stranger sends GET /shared/1.jpg to bob's gallery
    Then the answer is 200
    And bob's gallery received the fields
      | field      | value                       |
      | X-Ptl-Zone | shared                      |
      | X-Ptl-Who  | anonymous of {bob.short_id} |
    And bob's gallery received none of the fields
      | field      |
      | X-Ptl-User |

  @ACL-4
  Scenario: An anonymous client has a type but neither id nor name
    When a stranger sends GET /public/page to bob's chat
    Then bob's chat received the fields
      | field               | value     |
      | X-Ptl-Client-Type   | anonymous |
      | X-Ptl-Client-Id     |           |
      | X-Ptl-Client-Name   |           |

  @ACL-4
  Scenario: The app learns which of the owner's devices is there
    Given bob has paired the terminal phone
    When the terminal phone sends GET /notes to bob's chat
    Then bob's chat received the fields
      | field               | value      |
      | X-Ptl-Client-Type   | terminal   |
      | X-Ptl-Client-Id     | {phone.id} |
      | X-Ptl-Client-Name   | phone      |

  @ACL-5 @PEER-17
  Scenario: The app learns which peer is calling
    When alice's chat calls bob with GET /peers/inbox
    Then bob's chat received the fields
      | field               | value              |
      | X-Ptl-Client-Type   | peer               |
      | X-Ptl-Client-Id     | {bob.listed.alice} |

  @ACL-5 @PEER-2
  Scenario: A peer has the name that the owner gave it
    When bob adds alice as a peer named "Ally from work"
    And alice's chat calls bob with GET /peers/inbox
    Then bob's chat received the fields
      | field               | value          |
      | X-Ptl-Client-Name   | Ally from work |

  @ACL-6
  Scenario Outline: A stranger's own X-Ptl fields do not reach the app on <path>
    Given bob runs plain with the paths
      | path     | access  | headers  |
      |          | public  |          |
      | /named/  | public  | identity |
    When a stranger sends GET <path> to bob's plain
      | field             | value       |
      | X-Ptl-Client-Type | terminal    |
      | X-Ptl-Client-Id   | root        |
      | X-Ptl-Client-Name | Bob himself |
      | X-Ptl-Admin       | yes         |
      | X-Ptl-Never-Heard-Of | yes      |
      | X-Harmless        | stays       |
    Then the answer is 200
    And bob's plain received the fields
      | field             | value  |
      | X-Ptl-Client-Type | <type> |
      | X-Ptl-Client-Id   |        |
      | X-Ptl-Client-Name |        |
      | X-Harmless        | stays  |
    And bob's plain received none of the fields
      | field       |
      | X-Ptl-Admin |
      | X-Ptl-Never-Heard-Of |

    Examples:
      | path       | type      |
      | /          |           |
      | /named/    | anonymous |

  @ACL-6
  Scenario: The owner's own X-Ptl fields do not reach the app either
    When bob's owner sends GET /notes to bob's chat
      | field             | value |
      | X-Ptl-Client-Type | peer  |
      | X-Ptl-Admin       | yes   |
    Then it is let in as the owner
    And bob's chat received none of the fields
      | field       |
      | X-Ptl-Admin |

  @ACL-6
  Scenario: Nor do those that a peer has signed
    Given the fake Portal carol
    And bob has added carol as a peer
    And a request GET /peers/inbox to bob's chat
      | field             | value      |
      | X-Ptl-Client-Id   | {alice.id} |
      | X-Ptl-Admin       | yes        |
    And it is signed by carol
      | part     | value                                        |
      | covering | "@method" "@target-uri" "x-ptl-client-id"    |
    When it is sent
    Then it is let in as the peer carol
    And bob's chat received none of the fields
      | field       |
      | X-Ptl-Admin |

  @ACL-7
  Scenario Outline: Nothing that reads like an X-Ptl field reaches the app: <field>
    When a stranger sends GET /public/page to bob's chat
      | field      | value    |
      | <field>    | terminal |
      | X-Harmless | stays    |
    Then it is let in as anonymous
    And bob's chat received none of the fields
      | field   |
      | <other> |
    And bob's chat received the fields
      | field      | value |
      | X-Harmless | stays |

    Examples:
      | field             | other             |
      | X_Ptl_Client_Type | X_Ptl_Client_Type |
      | X-Ptl_Client-Type | X-Ptl_Client-Type |
      | x_ptl-client_type | x_ptl-client_type |
      | X-PTL-ADMIN       | X-Ptl-Admin       |
      | x-pTL-adMIN       | X-Ptl-Admin       |
      | X_PTL_ADMIN       | X_PTL_ADMIN       |

  @ACL-6 @ACL-7
  Scenario: A doubled X-Ptl field does not slip through
    When a stranger sends GET /public/page to bob's chat
      | field             | value    |
      | X-Ptl-Client-Type | terminal |
      | X-Ptl-Client-Type | terminal |
      | x-ptl-client-type | peer     |
    Then it is let in as anonymous

  @ACL-8
  Scenario Outline: A detour between a public and a private path opens nothing: <path>
    When a stranger sends GET <path> to bob's chat
    Then it is <outcome>

    Examples:
      | path                       | outcome             |
      | /public/../notes           | refused             |
      | /public/%2e%2e/notes       | refused             |
      | /public/%2E%2E/notes       | refused             |
      | /public/.%2e/notes         | refused             |
      | /public/%2e%2e%2fnotes     | refused             |
      | /public/a/../../notes      | refused             |
      | /notes/../public/page      | refused             |
      | //public/page              | refused             |
      | /%70ublic/page             | refused             |
      | /public/a/../b             | let in as anonymous |
      | /public/./a                | let in as anonymous |
      | /public/a//b               | let in as anonymous |
      | /public/a%20b%2Fc          | let in as anonymous |
      | /public/%252e%252e/notes   | let in as anonymous |
      | /public/..notes            | let in as anonymous |

  @ACL-8
  Scenario Outline: No spelling of a closed path opens it: <path>
    Given bob runs shop with the paths
      | path     | access  | headers  |
      |          | public  | identity |
      | /admin/  | private | identity |
    When a stranger sends GET <path> to bob's shop
    Then it is <outcome>

    Examples:
      | path              | outcome             |
      | /admin/users      | refused             |
      | //admin/users     | refused             |
      | /./admin/users    | refused             |
      | /x/../admin/users | refused             |
      | /%61dmin/users    | refused             |
      | /admin%2Fusers    | refused             |
      | /administrators   | let in as anonymous |
      | //x               | let in as anonymous |

  @ACL-8 @ACL-4
  Scenario: The headers are those of the path as it was sent
    Given bob runs shop with the paths
      | path     | access  | headers            |
      |          | public  | X-Ptl-Zone: rest   |
      | /sale/   | public  | X-Ptl-Zone: sale   |
    When a stranger sends GET /x/../sale/1 to bob's shop
    Then the answer is 200
    And bob's shop received GET /x/../sale/1
    And bob's shop received the fields
      | field      | value |
      | X-Ptl-Zone | rest  |

  @ACL-9
  Scenario: An app that is not installed is not found
    When a stranger sends GET / to bob's nosuchapp
    Then the answer is 404
    When a stranger sends GET /public/page to bob's chat
    Then the answer is 200

  @ACL-9
  Scenario: Not even the owner or a peer finds an app that is not installed
    Given alice runs notebook with the paths
      | path     | access  | headers  |
      |          | public  | identity |
    When bob's owner sends GET / to bob's notebook
    Then the answer is 404
    When alice's notebook calls bob with GET /
    Then the answer is 404

  @ACL-9
  Scenario: An app that is uninstalled is not found any more
    When bob's owner sends DELETE /protected/apps/chat to bob's Core
    Then the answer is 200 or 204
    When a stranger sends GET /public/page to bob's chat
    Then the answer is 404
    And bob's chat received nothing

  @ACL-10
  Scenario Outline: A host that is not this Portal's own is not found: <host>
    When a stranger sends GET /public/page to bob's chat
    Then it is let in as anonymous
    When bob's Core is asked GET /internal/auth
      | field              | value        |
      | X-Forwarded-Method | GET          |
      | X-Forwarded-Proto  | https        |
      | X-Forwarded-Host   | <host>       |
      | X-Forwarded-Uri    | /public/page |
      | X-Forwarded-For    | 203.0.113.7  |
    Then the answer is <status>

    Examples:
      | host                            | status |
      | chat.{bob.domain}               | 200    |
      | CHAT.{bob.domain}               | 200    |
      | chat.evil.example               | 404    |
      | chat.{alice.domain}             | 404    |
      | chat.{bob.domain}.evil.example  | 404    |
      | chat.x{bob.domain}              | 404    |
      | chat.evil.{bob.domain}          | 404    |

  @ACL-11
  Scenario: An update that closes a path holds at once
    When a stranger sends GET /public/page to bob's chat
    Then it is let in as anonymous
    When bob runs chat with the paths
      | path     | access  | headers  |
      |          | private | identity |
    And a stranger sends GET /public/page to bob's chat
    Then it is refused

  @ACL-11
  Scenario: An update that opens a path holds at once, with its headers
    When a stranger sends GET /notes to bob's chat
    Then it is refused
    When bob runs chat with the paths
      | path     | access  | headers          |
      |          | private |                  |
      | /notes   | public  | X-Ptl-Zone: open |
    And a stranger sends GET /notes to bob's chat
    Then the answer is 200
    And bob's chat received the fields
      | field      | value |
      | X-Ptl-Zone | open  |
