using System.Runtime.CompilerServices;

namespace NativeGreenlet;

/// <summary>
/// A value of which every greenlet has its own, as every thread has of a <see cref="ThreadLocal{T}"/>. It lives as long
/// as both the greenlet and this object. Unlike an <see cref="AsyncLocal{T}"/> it is not inherited.
/// </summary>
/// <example><code>
/// GreenletLocal&lt;int&gt; visits = new(() =&gt; 0);
/// visits.Value++;
/// new Greenlet(() =&gt; Console.WriteLine(visits.Value)).Switch(); // 0: it has a value of its own
/// </code></example>
/// <typeparam name="T">The type of the value.</typeparam>
public sealed class GreenletLocal<T>
{
    // Not by the core, which a suspended greenlet's stack refers to: a value may refer to its greenlet.
    private readonly ConditionalWeakTable<Greenlet, StrongBox<T>> _values = [];
    private readonly Func<T>? _initialize;

    /// <summary>Creates a local whose value is the default of its type until it is set.</summary>
    public GreenletLocal()
    {
    }

    /// <summary>Creates a local whose value is computed when a greenlet first reads it.</summary>
    /// <param name="initialize">Computes it, in that greenlet.</param>
    /// <exception cref="ArgumentNullException"><paramref name="initialize"/> is null.</exception>
    public GreenletLocal(Func<T> initialize)
    {
        ArgumentNullException.ThrowIfNull(initialize);
        _initialize = initialize;
    }

    /// <summary>Gets or sets the current greenlet's value.</summary>
    public T Value
    {
        get
        {
            if (_values.TryGetValue(Greenlet.Current, out StrongBox<T>? box))
            {
                return box.Value!;
            }

            if (_initialize is null)
            {
                return default!;
            }

            T value = _initialize(); // may switch, and may set the value itself
            return _values.GetOrAdd(Greenlet.Current, new StrongBox<T>(value)).Value!;
        }

        set
        {
            Greenlet greenlet = Greenlet.Current;
            if (_values.TryGetValue(greenlet, out StrongBox<T>? box))
            {
                box.Value = value;
            }
            else
            {
                _values.Add(greenlet, new StrongBox<T>(value));
            }
        }
    }

    /// <summary>Gets whether the current greenlet has a value.</summary>
    public bool IsValueCreated => _values.TryGetValue(Greenlet.Current, out _);
}
