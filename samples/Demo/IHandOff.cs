namespace NativeGreenlet.Demo;

/// <summary>A way for two parties to take turns.</summary>
internal interface IHandOff
{
    string Name { get; }

    /// <summary>Hands over to the other party and back, so many times.</summary>
    void RoundTrips(int count);
}
