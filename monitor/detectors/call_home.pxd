from monitor.model.contacts cimport Contact


cpdef list detect(Contact contact, judgement)
