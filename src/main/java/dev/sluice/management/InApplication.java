package dev.sluice.management;

import javax.management.Attribute;
import javax.management.AttributeList;
import javax.management.AttributeNotFoundException;
import javax.management.DynamicMBean;
import javax.management.InvalidAttributeValueException;
import javax.management.MBeanException;
import javax.management.MBeanInfo;
import javax.management.ReflectionException;

/**
 * An MBean whose calls see the application. JMX connectors call from threads without a context
 * class loader; on Payara no CDI proxy answers there ("Thread's context class loader is null").
 */
final class InApplication implements DynamicMBean {

  private final DynamicMBean bean;
  private final ClassLoader application = InApplication.class.getClassLoader();

  InApplication(DynamicMBean bean) {
    this.bean = bean;
  }

  /** Puts the application's class loader in force; returns the one before. */
  private ClassLoader enter() {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    thread.setContextClassLoader(application);
    return before;
  }

  private static void leave(ClassLoader before) {
    Thread.currentThread().setContextClassLoader(before);
  }

  @Override
  public Object getAttribute(String name)
      throws AttributeNotFoundException, MBeanException, ReflectionException {
    ClassLoader before = enter();
    try {
      return bean.getAttribute(name);
    } finally {
      leave(before);
    }
  }

  @Override
  public AttributeList getAttributes(String[] names) {
    ClassLoader before = enter();
    try {
      return bean.getAttributes(names);
    } finally {
      leave(before);
    }
  }

  @Override
  public void setAttribute(Attribute attribute)
      throws AttributeNotFoundException,
          InvalidAttributeValueException,
          MBeanException,
          ReflectionException {
    bean.setAttribute(attribute);
  }

  @Override
  public AttributeList setAttributes(AttributeList attributes) {
    return bean.setAttributes(attributes);
  }

  @Override
  public Object invoke(String action, Object[] parameters, String[] signature)
      throws MBeanException, ReflectionException {
    ClassLoader before = enter();
    try {
      return bean.invoke(action, parameters, signature);
    } finally {
      leave(before);
    }
  }

  @Override
  public MBeanInfo getMBeanInfo() {
    return bean.getMBeanInfo();
  }
}
