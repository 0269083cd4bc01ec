namespace NativeGreenlet.Peer;

/// <summary>Two threads of which one runs at a time: what greenlets are used instead of.</summary>
internal abstract class ThreadHandOff : Works
{
    protected ThreadHandOff()
    {
        Add("switch", Switch);
    }

    protected abstract void GiveTurn(int party);

    protected abstract void WaitForTurn(int party);

    private void Switch(int count)
    {
        Thread other = new(() =>
        {
            for (int i = 0; i < count / 2; i++)
            {
                WaitForTurn(1);
                GiveTurn(0);
            }
        });
        other.Start();
        for (int i = 0; i < count / 2; i++)
        {
            GiveTurn(1);
            WaitForTurn(0);
        }

        other.Join();
    }
}
