package dev.sluice.management;

import java.util.List;
import java.util.function.Supplier;
import javax.management.Attribute;
import javax.management.AttributeList;
import javax.management.AttributeNotFoundException;
import javax.management.DynamicMBean;
import javax.management.MBeanAttributeInfo;
import javax.management.MBeanInfo;
import javax.management.ReflectionException;

/**
 * Figures as attributes of one read-only MBean. The attributes come from the same table as the
 * metrics, so that the two cannot differ.
 *
 * @param <T> the read model; read anew for each call
 */
final class FiguresMBean<T> implements DynamicMBean {

  private final String description;
  private final List<Figure<T>> figures;
  private final Supplier<T> reading;

  FiguresMBean(String description, List<Figure<T>> figures, Supplier<T> reading) {
    this.description = description;
    this.figures = List.copyOf(figures);
    this.reading = reading;
  }

  @Override
  public Object getAttribute(String name) throws AttributeNotFoundException {
    for (Figure<T> figure : figures) {
      if (figure.attribute().equals(name)) {
        return figure.value().applyAsDouble(reading.get());
      }
    }
    throw new AttributeNotFoundException(name);
  }

  @Override
  public AttributeList getAttributes(String[] names) {
    T now = reading.get();
    List<String> wanted = List.of(names);
    AttributeList values = new AttributeList();
    for (Figure<T> figure : figures) {
      if (wanted.contains(figure.attribute())) {
        values.add(new Attribute(figure.attribute(), figure.value().applyAsDouble(now)));
      }
    }
    return values;
  }

  @Override
  public void setAttribute(Attribute attribute) throws AttributeNotFoundException {
    throw new AttributeNotFoundException(attribute.getName() + " cannot be written");
  }

  @Override
  public AttributeList setAttributes(AttributeList attributes) {
    return new AttributeList();
  }

  @Override
  public Object invoke(String action, Object[] parameters, String[] signature)
      throws ReflectionException {
    throw new ReflectionException(new NoSuchMethodException(action));
  }

  @Override
  public MBeanInfo getMBeanInfo() {
    MBeanAttributeInfo[] attributes =
        figures.stream()
            .map(
                f ->
                    new MBeanAttributeInfo(
                        f.attribute(), double.class.getName(), f.help(), true, false, false))
            .toArray(MBeanAttributeInfo[]::new);
    return new MBeanInfo(getClass().getName(), description, attributes, null, null, null);
  }
}
