"""Which tier memories belong to: reviews that move nothing, and moves that can be undone."""
