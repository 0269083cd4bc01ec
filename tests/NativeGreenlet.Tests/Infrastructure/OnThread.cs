using System.Runtime.ExceptionServices;

namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>Runs the body of a test on a thread of its own, so that no greenlet, tracer or context leaks into another
/// test.</summary>
internal static class OnThread
{
    /// <summary>When a test counts as hung. None takes nearly as long, even on a busy machine.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    public static void Run(Action body)
    {
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                body();
            }
            catch (Exception exception)
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
        })
        {
            IsBackground = true,
            Name = "test",
        };
        thread.UnsafeStart();
        if (!thread.Join(Patience))
        {
            throw new TimeoutException($"The test still ran after {Patience.TotalSeconds} seconds.");
        }

        if (failure?.SourceException is KeptAliveException kept && InOwnProcess.IsWorthwhile && InOwnProcess.CurrentTest() is { } test)
        {
            InOwnProcess.Repeat(test, kept);
            return;
        }

        failure?.Throw();
    }

    public static T Run<T>(Func<T> body)
    {
        T result = default!;
        Run(() => { result = body(); });
        return result;
    }
}
