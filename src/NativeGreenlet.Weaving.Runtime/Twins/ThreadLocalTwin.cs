using System.Diagnostics;
using NativeGreenlet.Weaving.Locals;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for <see cref="ThreadLocal{T}"/> in code that is woven with <c>GreenletWeaveThreadLocals</c>: outside a hub it does the same,
/// inside one each greenlet has a value of its own.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(ThreadLocal<>))]
[ThreadLocalTwin]
[StackTraceHidden]
public static class ThreadLocalTwin
{
    [GreenletTwin(".ctor")]
    public static ThreadLocal<T> Create<T>() => new GreenThreadLocal<T>(keepsAll: false);

    [GreenletTwin(".ctor")]
    public static ThreadLocal<T> Create<T>(bool trackAllValues) => new GreenThreadLocal<T>(trackAllValues);

    [GreenletTwin(".ctor")]
    public static ThreadLocal<T> Create<T>(Func<T> valueFactory) => new GreenThreadLocal<T>(valueFactory, keepsAll: false);

    [GreenletTwin(".ctor")]
    public static ThreadLocal<T> Create<T>(Func<T> valueFactory, bool trackAllValues) => new GreenThreadLocal<T>(valueFactory, trackAllValues);

    [GreenletTwin("get_Value")]
    public static T Value<T>(ThreadLocal<T> self) => self is GreenThreadLocal<T> own ? own.ValueHere : self.Value!;

    [GreenletTwin("set_Value")]
    public static void SetValue<T>(ThreadLocal<T> self, T value)
    {
        if (self is GreenThreadLocal<T> own)
        {
            own.ValueHere = value;
        }
        else
        {
            self.Value = value;
        }
    }

    [GreenletTwin("get_IsValueCreated")]
    public static bool IsValueCreated<T>(ThreadLocal<T> self) => self is GreenThreadLocal<T> own ? own.IsValueCreatedHere : self.IsValueCreated;

    [GreenletTwin("get_Values")]
    public static IList<T> Values<T>(ThreadLocal<T> self) => self is GreenThreadLocal<T> own ? own.AllValues : self.Values;
}
