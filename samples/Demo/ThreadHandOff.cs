namespace NativeGreenlet.Demo;

/// <summary>Two threads of which one runs at a time.</summary>
internal abstract class ThreadHandOff : IHandOff
{
    public abstract string Name { get; }

    public void RoundTrips(int count)
    {
        Thread other = new(() =>
        {
            for (int i = 0; i < count; i++)
            {
                WaitForTurn(1);
                GiveTurn(0);
            }
        });
        other.Start();
        for (int i = 0; i < count; i++)
        {
            GiveTurn(1);
            WaitForTurn(0);
        }

        other.Join();
    }

    protected abstract void GiveTurn(int party);

    protected abstract void WaitForTurn(int party);
}
