namespace NativeGreenlet.Cooperative.Waiting;

/// <summary>Where a wait is noted, for waits whose task never comes back to take itself out.</summary>
internal interface IWaitPlace
{
    /// <summary>A wait is over, and nothing continues its task: nothing of it is left behind.</summary>
    /// <param name="waiter">Whose wait it was.</param>
    /// <param name="queue">The queue that its node was put into; null if that is none.</param>
    /// <param name="isSignalled">Whether somebody had ended it: what that handed over goes to another.</param>
    void Leave(Waiter waiter, WaitQueue? queue, bool isSignalled);
}
