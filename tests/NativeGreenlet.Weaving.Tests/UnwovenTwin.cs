namespace NativeGreenlet.Weaving.Tests;

/// <summary>Code of this project that is not woven, because it is that of a twin.</summary>
[GreenletTwin(typeof(Missing))]
public static class UnwovenTwin
{
    /// <summary>A type that nothing calls.</summary>
    public static class Missing
    {
    }

    /// <summary>The original lock.</summary>
    public readonly ref struct Held
    {
        private readonly object _gate;

        public Held(object gate)
        {
            bool isTaken = false;
            _gate = gate;
            Monitor.Enter(gate, ref isTaken);
        }

        public void Dispose() => Monitor.Exit(_gate);
    }
}
