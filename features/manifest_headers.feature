Feature: What an app.json can say about headers
  An app declares which headers it wants with each request and what they hold. Values are templates; what they come to
  always fits into a header, and whatever an author writes, the Portal goes on working.

  Background:
    Given the Portals alice and bob
    And alice and bob are peers

  @APP-3
  Scenario Outline: The template <template> is rendered
    Given bob runs journal with the paths
      | path | access | headers               |
      |      | public | X-Ptl-Value: <template> |
    When a stranger sends GET / to bob's journal
    Then the answer is 200
    And bob's journal received the fields
      | field       | value   |
      | X-Ptl-Value | <value> |

    Examples:
      | template                                          | value                     |
      | fixed                                             | fixed                     |
      | {{ auth.client_type }}                            | anonymous                 |
      | [{{ auth.client_id }}{{ auth.client_name }}]      | []                        |
      | {{ portal.domain }}                               | {bob.domain}              |
      | {{ portal.id }}                                   | {bob.id}                  |
      | {{ portal.short_id }}                             | {bob.short_id}            |
      | {{ portal.id[:6] }}                               | {bob.short_id}            |
      | {{ portal.id[0:3] }}{{ portal.id[3:6] }}          | {bob.short_id}            |
      | {{portal.short_id\|upper}}                        | {bob.short_id.upper}      |
      | {{ portal.short_id \| length }}                   | 6                         |
      | {{ auth.client_name \| default("nobody", true) }} | nobody                    |
      | {% if auth.client_type == "peer" %}p{% else %}n{% endif %} | n                |
      | https://{{ portal.domain }}/?a=b%20c              | https://{bob.domain}/?a=b%20c |

  @APP-3 @ACL-5
  Scenario: All that is known of a peer can be rendered
    Given alice and bob run journal with the paths
      | path | access | headers                                                                        |
      |      | peer   | X-Ptl-Value: {{ auth.client_type }}/{{ auth.client_id }}/{{ auth.client_name }} |
    And bob has added alice as a peer named "Ally"
    When alice's journal calls bob with GET /
    Then bob's journal received the fields
      | field       | value                        |
      | X-Ptl-Value | peer/{bob.listed.alice}/Ally |

  @APP-3 @level-should
  Scenario: The public key can be had in a header, encoded
    Given bob runs journal with the paths
      | path | access | headers                                  |
      |      | public | X-Ptl-Value: {{ portal.public_key_pem }} |
    When a stranger sends GET / to bob's journal
    Then the answer is 200
    And bob's journal received the fields
      | field       | value                                                                     |
      | X-Ptl-Value | /^-----BEGIN PUBLIC KEY-----%0A[A-Za-z0-9+/=%]*-----END PUBLIC KEY-----(%0A)?$/ |

  @APP-3 @level-should
  Scenario Outline: A name that a header can't hold arrives encoded: <name>
    Given the fake Portal carol
    And bob has added carol as a peer named "<name>"
    And bob runs journal with the paths
      | path | access | headers  |
      |      | peer   | identity |
    And a request GET / to bob's journal
    And it is signed by carol
    When it is sent
    Then bob's journal received the fields
      | field             | value     |
      | X-Ptl-Client-Name | <encoded> |

    Examples:
      | name     | encoded                    |
      | Ally     | Ally                       |
      | Ålice    | %C3%85lice                 |
      | 🦊       | %F0%9F%A6%8A               |
      | Å 100%   | %C3%85 100%25              |

  @APP-3
  Scenario Outline: An unknown variable is no error of the Portal's: <template>
    When bob installs journal from the app.json
      """
      {"v": "4.0", "name": "journal", "entrypoints": [{"container_port": 80, "entrypoint_port": "http"}],
       "paths": {"": {"access": "public", "headers": {"X-Ptl-Value": "[<template>]"}}}}
      """
    And a stranger sends GET / to bob's journal
    Then the answer is 200 or 404
    And bob's journal received nothing, or the fields
      | field       | value |
      | X-Ptl-Value | []    |

    Examples:
      | template                     |
      | {{ nosuch }}                 |
      | {{ auth.nosuch }}            |
      | {{ portal.nosuch.deeper }}   |
      | {{ portal.private_key }}     |

  @APP-3
  Scenario: A line break in a declared value opens no new field
    When bob installs journal from the app.json
      """
      {"v": "4.0", "name": "journal", "entrypoints": [{"container_port": 80, "entrypoint_port": "http"}],
       "paths": {"": {"access": "public", "headers": {"X-Ptl-Value": "a\r\nX-Ptl-Admin: yes"}}}}
      """
    And a stranger sends GET / to bob's journal
    Then the answer is 200 or 404
    And bob's journal received nothing, or the fields
      | field       | value |
      | X-Ptl-Admin |       |

  @APP-4
  Scenario Outline: A template can do no harm: <what>
    Given bob runs chat with the paths
      | path | access | headers  |
      |      | public | identity |
    When bob installs journal from the app.json
      """
      {"v": "4.0", "name": "journal", "entrypoints": [{"container_port": 80, "entrypoint_port": "http"}],
       "paths": {"": {"access": "public", "headers": {"X-Ptl-Value": "[<template>]"}}}}
      """
    Then the answer came within 3 seconds
    When a stranger sends GET / to bob's journal
    Then the answer came within 3 seconds
    And bob's journal received nothing, or the fields
      | field       | value                                              |
      | X-Ptl-Value | /^\\[[^:<]{0,4096}\\]$/                              |
    When a stranger sends GET / to bob's chat
    Then it is let in as anonymous

    Examples:
      | what                  | template                                                                        |
      | a long loop           | {% for i in range(100000000) %}x{% endfor %}                                    |
      | loops within loops    | {% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %} |
      | a macro without end   | {% macro f() %}{{ f() }}{% endmacro %}{{ f() }}                                 |
      | a giant text          | {{ 'x' * 1000000000 }}                                                          |
      | reading a file        | {% include '/etc/passwd' %}                                                     |
      | reaching for the code | {{ ''.__class__.__mro__[1].__subclasses__() }}                                  |
      | reaching for globals  | {{ self.__init__.__globals__ }}                                                 |

  @APP-5
  Scenario Outline: A declared header <name>
    When bob installs journal from the app.json
      """
      {"v": "4.0", "name": "journal", "entrypoints": [{"container_port": 80, "entrypoint_port": "http"}],
       "paths": {"": {"access": "public", "headers": {"<name>": "x"}}}}
      """
    Then the install is <outcome>

    Examples:
      | name             | outcome                                         |
      | X-Ptl-User       | accepted                                        |
      | x-ptl-user       | accepted                                        |
      | Remote-User      | refused with a reason that names "Remote-User"  |
      | X-Forwarded-User | refused with a reason that names "X-Forwarded-User" |
      | Authorization    | refused with a reason that names "Authorization" |
      | X-Ptl            | refused with a reason that names "X-Ptl"        |
      | X_Ptl_User       | refused with a reason that names "X_Ptl_User"   |

  @APP-6
  Scenario Outline: The prefix <prefix>
    When bob installs journal from the app.json
      """
      {"v": "4.0", "name": "journal", "entrypoints": [{"container_port": 80, "entrypoint_port": "http"}],
       "paths": {"": {"access": "private"}, "<prefix>": {"access": "public"}}}
      """
    Then the install is <outcome>

    Examples:
      | prefix   | outcome                                       |
      | /public  | accepted with a warning that names "/public"  |
      | /a/b     | accepted with a warning that names "/a/b"     |
      | /public/ | accepted without warnings                     |
      | /a/b/    | accepted without warnings                     |
