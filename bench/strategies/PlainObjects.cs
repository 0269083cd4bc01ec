using System.Runtime.InteropServices;

namespace NativeGreenlet.Strategies;

/// <summary>As many plain objects as a frozen greenlet keeps alive, of about the same sizes and referring to each other in the same way: what
/// a full collection takes for these is what frozen greenlets cannot be below.</summary>
internal sealed class PlainObjects
{
    private readonly Handle[] _all;

    /// <param name="count">Of greenlets that they stand for.</param>
    /// <param name="slots">References that a frozen stack has.</param>
    public PlainObjects(int count, int slots)
    {
        _all = new Handle[count];
        object shared = new();
        Core? previous = null;
        for (int i = 0; i < count; i++)
        {
            Func<object?, object?> body = value => value ?? _all;
            Core core = new() { Carrier = shared, Parent = shared, Previous = previous, References = new object?[slots] };
            Array.Fill(core.References, shared);
            core.References[0] = body;
            core.References[^1] = core;
            Handle handle = new(core);
            handle.Watched = new Sentinel(handle);
            core.Public = GCHandle.Alloc(handle, GCHandleType.Weak);
            if (previous is not null)
            {
                previous.Next = core;
            }

            previous = core;
            _all[i] = handle;
        }
    }

    private sealed class Handle(Core core)
    {
        public Core Core { get; } = core;

        public object? MainName { get; set; }

        public object? Run { get; set; }

        public Sentinel? Watched { get; set; }
    }

    private sealed class Sentinel(Handle handle)
    {
        ~Sentinel() => GC.KeepAlive(handle);
    }

    private sealed class Core
    {
        public object? Carrier { get; set; }

        public object? Parent { get; set; }

        public object? OwnParent { get; set; }

        public object? Thread { get; set; }

        public object? Run { get; set; }

        public object? Name { get; set; }

        public Core? Previous { get; set; }

        public Core? Next { get; set; }

        public object? Owner { get; set; }

        public object? Context { get; set; }

        public object?[]? References { get; set; }

        public GCHandle Public { get; set; }

        public (long First, long Second, long Third, long Fourth, long Fifth, long Sixth) Words { get; set; }
    }
}
