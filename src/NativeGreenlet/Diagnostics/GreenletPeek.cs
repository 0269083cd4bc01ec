using System.Globalization;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;
using NativeGreenlet.Scheduling;

namespace NativeGreenlet.Diagnostics;

/// <summary>Where a suspended greenlet of another thread is, while that may go on: addresses of code, which whoever asked turns into
/// names.</summary>
internal static unsafe class GreenletPeek
{
    /// <summary>Characters of a text that fit into an event, which has 64 KB at most.</summary>
    public const int LongestText = 12_000;

    private const int MostAddresses = 256;

    /// <summary>The addresses, innermost first, one a line: <c>0x7f...</c>; an empty text where they cannot be had.</summary>
    public static string AddressesOf(GreenletCore core)
    {
        FrozenPark* park = core.Park;
        ng_frozen* frozen = park is null ? null : park->Frozen;
        ng_greenlet* aside = park is null ? null : park->Native;
        ng_greenlet* native = aside is null ? core.Native : aside;
        if (native is null || core.State != GreenletState.Suspended || BackendSelection.Instance.Backend != GreenletBackend.Segments)
        {
            return "";
        }

        ulong* addresses = stackalloc ulong[MostAddresses];
        uint count;
        return NativeMethods.ng_greenlet_peek(native, frozen, addresses, MostAddresses, &count) == ng_status.OK && core.Park == park // else it may be another greenlet's by now
            ? string.Join('\n', new Span<ulong>(addresses, (int)count).ToArray().Select(address => string.Create(CultureInfo.InvariantCulture, $"0x{address:x}")))
            : "";
    }
}
