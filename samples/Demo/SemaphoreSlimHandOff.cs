namespace NativeGreenlet.Demo;

internal sealed class SemaphoreSlimHandOff : ThreadHandOff
{
    private readonly SemaphoreSlim[] _turns = [new(0), new(0)];

    public override string Name => "threads: SemaphoreSlim (spins)";

    protected override void GiveTurn(int party) => _turns[party].Release();

    protected override void WaitForTurn(int party) => _turns[party].Wait();
}
