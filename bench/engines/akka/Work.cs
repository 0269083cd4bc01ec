namespace NativeGreenlet.Engines.Akka;

/// <summary>A message of the load.</summary>
internal sealed class Work(Load load)
{
    public long Start { get; set; }

    public void End() => load.End(this);
}
