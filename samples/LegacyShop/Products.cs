namespace NativeGreenlet.LegacyShop;

/// <summary>Products by EF Core, synchronously.</summary>
public class Products(ShopContext context)
{
    public string NameOf(int product) => context.Products.Where(p => p.Id == product).Select(p => p.Name).Single();
}
