using System.Net.Sockets;
using System.Runtime.CompilerServices;
using NativeGreenlet.Cooperative.IO.Readiness;

namespace NativeGreenlet.Cooperative.IO.Transport;

/// <summary>
/// Lets .NET's socket thread complete the operations of a socket itself, instead of handing each over to the thread pool:
/// one thread less between the network and the task that waits.
/// </summary>
/// <remarks>
/// <para>What completes there must be short and must not block, since no other socket of the process makes progress
/// meanwhile. What wakes a task is. So this is only for sockets that nobody but their <see cref="GreenStream"/> can reach,
/// and only while that is used by synchronous calls.</para>
/// <para>.NET has it for the whole process (<c>DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS</c>), and for one socket as a
/// property that is not public, on Unix. Where there is no such property the pool goes on doing it. Where hubs have a
/// <see cref="Poller"/>, it is not needed: synchronous calls start no operations.</para>
/// </remarks>
internal static class InlineCompletions
{
    private static volatile bool s_isMissing;

    /// <summary>Turns it on or off. False if that cannot be had.</summary>
    public static bool TrySet(Socket socket, bool isInline)
    {
        if (s_isMissing)
        {
            return false;
        }

        try
        {
            SetPreferInlineCompletions(socket, isInline);
            return true;
        }
        catch (MissingMethodException)
        {
            s_isMissing = true;
            return false;
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_PreferInlineCompletions")]
    private static extern void SetPreferInlineCompletions(Socket socket, bool isInline);
}
