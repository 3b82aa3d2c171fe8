package dev.sluice.servers;

import dev.sluice.servers.GroupDefinition.Member;
import dev.sluice.servers.GroupDefinition.Strategy;
import dev.sluice.settings.NearestName;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a servers file or a discovery fragment says: {@code {"mcpServers":{…},"groups":{…}}}. All of
 * it is valid or none of it is used.
 *
 * @param servers by id, in file order
 * @param groups by id, in file order
 * @param warnings keys that mean nothing, with the nearest known name
 */
record ServersDocument(
    Map<ServerId, DefinitionReader.Read> servers,
    Map<String, GroupDefinition> groups,
    List<String> warnings) {

  /** Nothing configured. */
  static final ServersDocument EMPTY = new ServersDocument(Map.of(), Map.of(), List.of());

  /** A larger file is refused, in bytes. */
  static final int MAX_BYTES = 4 * 1024 * 1024;

  /** Servers of one file at most; the registry's own limit is the same. */
  static final int MAX_SERVERS = 1000;

  /** Groups of one file at most. */
  static final int MAX_GROUPS = 200;

  /**
   * Reads a whole file.
   *
   * @throws InvalidDefinition with line and column of the first thing that is wrong
   */
  static ServersDocument parse(byte[] bytes, DefinitionReader reader) throws InvalidDefinition {
    LocatedJson json = LocatedJson.parse(bytes);
    List<String> warnings = new ArrayList<>();
    json.duplicates()
        .forEach(
            d ->
                warnings.add(d.substring(1) + " occurs twice in one object, the later one counts"));
    Fields root = new Fields(json, "", "", json.root());
    Map<ServerId, DefinitionReader.Read> servers = new LinkedHashMap<>();
    Optional<Fields> mcpServers = root.object("mcpServers");
    if (mcpServers.isPresent()) {
      servers(mcpServers.get(), reader, servers, warnings);
    } else {
      warnings.add("\"mcpServers\" is missing: the file names no server");
    }
    Map<String, GroupDefinition> groups = new LinkedHashMap<>();
    Optional<Fields> grouped = root.object("groups");
    if (grouped.isPresent()) {
      for (String id : grouped.get().names()) {
        Fields in = grouped.get().member(id, "group \"" + id + "\"");
        GroupDefinition group = group(groupId(grouped.get(), id), in);
        warnings.addAll(in.unknown());
        if (groups.size() >= MAX_GROUPS) {
          throw grouped.get().invalid(id, "is one group too many: at most " + MAX_GROUPS);
        }
        groups.put(id, group);
      }
    }
    warnings.addAll(root.unknown());
    return new ServersDocument(servers, groups, List.copyOf(warnings));
  }

  private static void servers(
      Fields in,
      DefinitionReader reader,
      Map<ServerId, DefinitionReader.Read> servers,
      List<String> warnings)
      throws InvalidDefinition {
    for (String name : in.names()) {
      if (servers.size() >= MAX_SERVERS) {
        throw in.invalid(name, "is one server too many: at most " + MAX_SERVERS);
      }
      ServerId id;
      try {
        id = new ServerId(name);
      } catch (IllegalArgumentException illegal) {
        throw in.invalid(name, "is not a server's name: " + illegal.getMessage());
      }
      DefinitionReader.Read read = reader.read(id, in.member(name, "server \"" + name + "\""));
      warnings.addAll(read.warnings());
      servers.put(id, read);
    }
  }

  private static String groupId(Fields in, String name) throws InvalidDefinition {
    try {
      return new ServerId(name).value();
    } catch (IllegalArgumentException illegal) {
      throw in.invalid(name, "is not a group's name: it must match [A-Za-z0-9_-]{1,64}");
    }
  }

  /**
   * Reads one group; the same rules for the file and REST bodies.
   *
   * @throws InvalidDefinition naming the field
   */
  static GroupDefinition group(String id, Fields in) throws InvalidDefinition {
    String name = in.text("strategy").orElse(Strategy.ROUND_ROBIN.wire());
    Optional<Strategy> strategy = Strategy.of(name);
    if (strategy.isEmpty()) {
      List<String> known = Arrays.stream(Strategy.values()).map(Strategy::wire).toList();
      throw in.invalid(
          "strategy",
          "must be one of "
              + String.join(", ", known)
              + ", was \""
              + name
              + "\""
              + NearestName.hint(name, known));
    }
    List<Member> members = new ArrayList<>();
    Set<ServerId> seen = new HashSet<>();
    for (Fields fields : in.objects("members", GroupDefinition.MAX_MEMBERS)) {
      Member member = member(fields);
      if (!seen.add(member.server())) {
        throw fields.invalid("id", "occurs twice: " + member.server());
      }
      members.add(member);
    }
    return new GroupDefinition(
        id,
        in.text("description").orElse(""),
        strategy.get(),
        in.number(1, 1, 100, "minHealthy", "min_healthy"),
        in.number(2, 1, 100, "unhealthyThreshold", "unhealthy_threshold"),
        in.number(1, 1, 100, "healthyThreshold", "healthy_threshold"),
        in.flag(true, "autoStart", "auto_start"),
        List.copyOf(members));
  }

  /**
   * Reads one member.
   *
   * @throws InvalidDefinition naming the field
   */
  static Member member(Fields in) throws InvalidDefinition {
    Optional<String> id = in.text("id", "server", "member_id", "mcp_server_id");
    if (id.isEmpty()) {
      throw in.invalid("id", "is missing: the id of a server");
    }
    try {
      return new Member(
          new ServerId(id.get()), in.number(1, 1, 100, "weight"), in.number(1, 1, 100, "priority"));
    } catch (IllegalArgumentException illegal) {
      throw in.invalid("id", "is not a server's name: " + illegal.getMessage());
    }
  }
}
