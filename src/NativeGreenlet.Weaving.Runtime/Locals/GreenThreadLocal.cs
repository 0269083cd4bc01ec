namespace NativeGreenlet.Weaving.Locals;

/// <summary>A <see cref="ThreadLocal{T}"/> of woven code: greenlets of tasks have values of their own in it besides those of the threads, which
/// the base class has.</summary>
/// <typeparam name="T">The type of the value.</typeparam>
internal sealed class GreenThreadLocal<T> : ThreadLocal<T>
{
    private readonly Func<T>? _factory;
    private readonly bool _keepsAll;
    private volatile LocalValues<T>? _values; // null once it is disposed of

    public GreenThreadLocal(bool keepsAll)
        : base(keepsAll)
    {
        _keepsAll = keepsAll;
        _values = new LocalValues<T>(keepsAll);
    }

    public GreenThreadLocal(Func<T> factory, bool keepsAll)
        : base(factory, keepsAll)
    {
        _factory = factory;
        _keepsAll = keepsAll;
        _values = new LocalValues<T>(keepsAll);
    }

    /// <summary>The value of the caller's greenlet, or of the thread outside of tasks.</summary>
    public T ValueHere
    {
        get
        {
            LocalValues<T> values = RequireValues();
            return GreenletLocals.Here is not { } locals ? Value!
                : values.TryGet(locals, out T? value) ? value!
                : Make(locals, values);
        }

        set
        {
            LocalValues<T> values = RequireValues();
            if (GreenletLocals.Here is { } locals)
            {
                values.Set(locals, value);
            }
            else
            {
                Value = value;
            }
        }
    }

    /// <summary>Whether there is one.</summary>
    public bool IsValueCreatedHere
    {
        get
        {
            LocalValues<T> values = RequireValues();
            return GreenletLocals.Here is { } locals ? values.Contains(locals) : IsValueCreated;
        }
    }

    /// <summary>The values of all threads and greenlets.</summary>
    public IList<T> AllValues => _keepsAll ? [.. RequireValues().All, .. Values] : Values; // which refuses

    /// <inheritdoc/>
    public override string? ToString() => ValueHere!.ToString(); // of null the original throws, too

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _values = null;
        base.Dispose(disposing);
    }

    // With the name that the original gives.
    private LocalValues<T> RequireValues()
    {
        LocalValues<T>? values = _values;
        ObjectDisposedException.ThrowIf(values is null, typeof(ThreadLocal<T>));
        return values;
    }

    private T Make(GreenletLocals locals, LocalValues<T> values)
    {
        T value = default!;
        if (_factory is not null)
        {
            value = _factory(); // may wait
            if (values.Contains(locals))
            {
                throw new InvalidOperationException("ValueFactory attempted to access the Value property of this instance.");
            }
        }

        ValueHere = value;
        return value;
    }
}
