using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace NativeGreenlet.Cooperative.IO.Transport;

/// <summary>
/// Lets a socket connect again after it was refused. On Unix .NET exchanges the descriptor then, because not every system can
/// use the old one again, and refuses if others may have seen that, as the poller has. Linux can.
/// </summary>
internal static class RepeatedConnect
{
    private static volatile bool s_isMissing = !OperatingSystem.IsLinux();

    /// <summary>Forgets that the last one failed.</summary>
    public static void Allow(SafeSocketHandle handle)
    {
        if (s_isMissing)
        {
            return;
        }

        try
        {
            SetLastConnectFailed(handle, false);
        }
        catch (MissingMethodException)
        {
            s_isMissing = true; // then .NET refuses it
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_LastConnectFailed")]
    private static extern void SetLastConnectFailed(SafeSocketHandle handle, bool value);
}
