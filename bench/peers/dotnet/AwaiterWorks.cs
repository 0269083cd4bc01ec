using System.Runtime.CompilerServices;

namespace NativeGreenlet.Peer;

/// <summary>An async method that suspends itself in an awaiter of its own and is resumed by a call: the fastest that
/// await can be, one frame deep.</summary>
internal sealed class AwaiterWorks : Works
{
    private bool _isOver;

    public AwaiterWorks()
    {
        Add("resume", Resume);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Resume(int count)
    {
        Suspension suspension = new();
        _isOver = false;
        Task task = Suspend(suspension);
        for (int i = 0; i < count / 2; i++)
        {
            suspension.Continue();
        }

        _isOver = true;
        suspension.Continue();
        task.GetAwaiter().GetResult();
    }

    private async Task Suspend(Suspension suspension)
    {
        while (!_isOver)
        {
            await suspension;
        }
    }

    private sealed class Suspension : ICriticalNotifyCompletion
    {
        private Action? _continuation;

        public bool IsCompleted => false;

        public Suspension GetAwaiter() => this;

        public void Continue() => _continuation!();

        public void GetResult()
        {
        }

        public void OnCompleted(Action continuation) => _continuation = continuation;

        public void UnsafeOnCompleted(Action continuation) => _continuation = continuation;
    }
}
