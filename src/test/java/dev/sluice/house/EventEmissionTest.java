package dev.sluice.house;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import dev.sluice.events.DomainEvent;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Every declared type of event is made somewhere in the hub. */
class EventEmissionTest {

  @Test
  void everyDeclaredTypeIsEmittedSomewhere() {
    Set<String> never = new TreeSet<>();
    for (Class<?> type : DomainEvent.class.getPermittedSubclasses()) {
      never.add(type.getName());
    }
    for (JavaClass type : new ClassFileImporter().importPath(Path.of("target/classes"))) {
      Stream.concat(
              type.getConstructorCallsFromSelf().stream(),
              type.getConstructorReferencesFromSelf().stream())
          .map(access -> access.getTargetOwner().getName())
          .forEach(never::remove);
    }
    assertThat(never).as("types that nothing emits").isEmpty();
  }
}
